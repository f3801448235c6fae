"""Which touchpoint is a name about, how sure is that, and why? From the whole name down to votes of its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cx_metrics.reading.dictionary_index import LEAST_SPELLED, LONGEST_PHRASE, Entry, Index, Word
from cx_metrics.reading.wording import parts, shortened, stem
from cx_metrics.texts import N_, Text

MOST_WORDS = 16  # of a name that are compared; a longer one is a sentence
# Confidence. A name applies without asking from dictionary.APPLIED (0.6) on; see there.
WHOLE, NUMBERED, ALL_WORDS, PHRASE, SPELLED, PARTLY, AGAINST = 0.9, 0.7, 0.75, 0.65, 0.6, 0.5, 0.4
OBJECT, CLOSE = (
    4,
    1,
)  # from OBJECT on, two touchpoints whose strengths differ by CLOSE could each be what a name is about
# Modifiers that turn a touchpoint into its opposite: without a rule that says into what, nobody can be sure.
TURNING = frozenset({"fail", "cancel", "abandon", "not", "late", "broken"})

_EXACT = N_("the dictionary knows it as {touchpoint}")
_NUMBERED = N_("the dictionary knows it, without its number, as {touchpoint}")
_WORDS = N_("its words {words} stand for {touchpoint} in the dictionary")
_TURNED = N_("its words {words} make {other} a {touchpoint} in the dictionary")
_PART = N_("only a part of it, {words}, is in the dictionary, as {touchpoint}")
_SPELLED = N_("its words, read as {words}, stand for {touchpoint} in the dictionary")
_AGAINST = N_("some of its words stand for {touchpoint}, others for {other}")
_UNCLEAR = N_("it is about {touchpoint}, but the words {words} say that something else became of it")
_DIFFERS = N_("the dictionary knows it as {touchpoint}, whose place in the journey differs from business to business")


@dataclass(slots=True)
class Found:
    """The touchpoint that a name is about. `done`: nothing in the name says that it was only seen, begun or not done."""

    entry: Entry
    confidence: float
    reason: Text
    done: bool
    channel: str | None = None
    touchpoint_type: str | None = None


@dataclass(slots=True, eq=False)
class _Hit:
    """A stretch of words that is known: as a touchpoint, or as a word that says something about one."""

    first: int
    words: int
    entry: Entry | None
    said: tuple[Word, ...]


@dataclass(slots=True, eq=False)
class _Reading:
    """A name, compared with the dictionary."""

    words: tuple[str, ...]
    hits: tuple[_Hit, ...]
    unknown: int
    spelled: bool


def find(name: str, index: Index) -> Found | None:
    """The best touchpoint for a name, or None where the dictionary knows none of its words."""
    by_part = parts(name)
    words = [word for part in by_part for word in part]
    letters = [word for word in words if not word.isdigit()]
    if not letters:
        return None
    found = None
    if entry := index.names.get("".join(words)):
        found = _sure(Found(entry, WHOLE, Text(_EXACT, {"touchpoint": entry.touchpoint}), True))
    elif entry := index.names.get("".join(letters)):
        found = _sure(Found(entry, NUMBERED, Text(_NUMBERED, {"touchpoint": entry.touchpoint}), True))
    read = _read([[word for word in part if not word.isdigit()] for part in by_part], index)
    found = found or _by_words(read, index)
    return _placed(found, read, index) if found else None


def _read(by_part: list[list[str]], index: Index) -> _Reading:
    """Words that are known, the longest phrases first.

    A part that is mostly unknown is a title, beside one that is known as a whole: "Cart | How to shop", /blog/how-to-choose.
    """
    words: list[str] = []
    hits: list[_Hit] = []
    unknown, spelled = 0, False
    seen: list[tuple[list[_Hit], int, int]] = []
    for part in by_part:
        part = part[: MOST_WORDS - len(words)]
        known, gaps = _hits(part, index, len(words))
        corrected = [(_spelling(word, index) or word) if i in gaps else word for i, word in enumerate(part)]
        if corrected != part:
            spelled, part = True, corrected
            known, gaps = _hits(part, index, len(words))
        seen.append((known, len(gaps), sum(hit.words for hit in known if hit.entry)))
        words += part
    whole = any(_tells(known) and not left for known, left, _ in seen)
    for known, left, named in seen:
        if len(seen) > 1 and left and (whole and left >= named or not _tells(known)):
            continue
        unknown += left
        hits += known
    return _Reading(tuple(words), tuple(sorted(hits, key=lambda hit: hit.first)), unknown, spelled)


def _tells(known: list[_Hit]) -> bool:
    return any(hit.entry or any(word.kind == "modifier" for word in hit.said) for hit in known)


def _hits(words: list[str], index: Index, before: int) -> tuple[list[_Hit], set[int]]:
    """The stretches that are known, counted from `before` on, and the places of the words that are not."""
    free = set(range(len(words)))
    stems = [stem(word) for word in words]
    filler = [word in index.fillers for word in words]
    hits: list[_Hit] = []
    for size in range(min(LONGEST_PHRASE, len(words)), 0, -1):
        for first in range(len(words) - size + 1):
            after = first + size
            if not free.issuperset(range(first, after)):
                continue
            key = "".join(words[first:after])
            said = index.words.get(key, ())
            entry = index.names.get(key)
            if not entry and not said:
                key = "".join(stems[first:after])
                entry, said = index.stems.get(key), index.word_stems.get(key, ())
            if not entry and size > 1 and not filler[first] and not filler[after - 1]:
                entry = index.gists.get("".join(sorted(stems[i] for i in range(first, after) if not filler[i])))
            if entry or said:
                hits.append(_Hit(before + first, size, entry, said))
                free.difference_update(range(first, after))
    return hits, free


def _spelling(word: str, index: Index) -> str | None:
    """The one known word that differs from this one by a slip of the pen."""
    if len(word) < LEAST_SPELLED:
        return None
    near = {index.spellings.get(short, "") for short in shortened(word)} - {""}
    near = {one for one in near if abs(len(one) - len(word)) <= 1}
    return near.pop() if len(near) == 1 else None


def _by_words(read: _Reading, index: Index) -> Found | None:
    about = [(hit.entry, hit) for hit in read.hits if hit.entry and not _only_says(hit, read)]
    if not about:
        return None
    entry, best = max(about, key=lambda pair: (pair[0].strength, pair[1].words, pair[1].first))
    close = entry.strength - (CLOSE if entry.strength >= OBJECT else 0)
    others = [other for other, _ in about if other.stage != entry.stage and other.strength >= close]
    if others:
        values = {"touchpoint": entry.touchpoint, "other": others[0].touchpoint}
        return Found(entry, AGAINST, Text(_AGAINST, values), False)
    telling = [hit for _, hit in about]
    says = [hit for hit in read.hits if hit is not best and any(word.kind == "modifier" for word in hit.said)]
    modifiers = {word.name for hit in says for word in hit.said if word.kind == "modifier"}
    shown = _shown(read, sorted({*telling, *says}, key=lambda hit: hit.first))
    turning = modifiers & TURNING
    rules = [rule for name in sorted(turning or modifiers) if (rule := index.rules.get((entry.touchpoint, name)))]
    if turning and not rules:
        return Found(entry, AGAINST, Text(_UNCLEAR, {"touchpoint": entry.touchpoint, "words": shown}), False)
    confidence, source = _confidence(entry, best, read)
    values = {"touchpoint": entry.touchpoint, "words": shown}
    if rules and rules[0] is not entry:
        source, values = _TURNED, {"touchpoint": rules[0].touchpoint, "other": entry.touchpoint, "words": shown}
        confidence = confidence if len({rule.stage for rule in rules}) == 1 else AGAINST
    done = not read.unknown and modifiers <= {"done"}
    return _sure(Found(rules[0] if rules else entry, confidence, Text(source, values), done))


def _confidence(entry: Entry, best: _Hit, read: _Reading) -> tuple[float, str]:
    """How sure the words make it, and the sentence that says why."""
    confidence = ALL_WORDS
    if not entry.strength and best.words == 1 and any(word.kind == "place" for word in best.said):
        confidence = PARTLY
    elif read.unknown and _is_head(best, read):
        confidence = SPELLED
    elif read.unknown:
        confidence = PHRASE if entry.strength and best.words >= 2 and read.unknown < best.words else PARTLY
    if read.spelled:
        return min(confidence, PARTLY if read.unknown else SPELLED), _SPELLED
    return confidence, _PART if confidence == PARTLY else _WORDS


def _is_head(hit: _Hit, read: _Reading) -> bool:
    """Does this word alone decide, as "payment" in "parking payment" or «оплата» in «оплата парковки»?"""
    place = {word.name for word in hit.said if word.kind == "head"}
    first, last = hit.first == 0, hit.first + hit.words == len(read.words)
    return read.unknown <= 2 and bool("first" in place and first or "last" in place and last)


def _only_says(hit: _Hit, read: _Reading) -> bool:
    """Is a word that is a touchpoint alone no more than a remark here, as "page" in "pricing page"?"""
    if all(word.kind == "head" for word in hit.said) or hit.words > 1 or hit.entry is None:
        return False
    stronger = [
        h for h in read.hits if h is not hit and h.entry and (not h.said or h.entry.strength > hit.entry.strength)
    ]
    return bool(stronger)


def _sure(found: Found) -> Found:
    """No surer than people agree on where the touchpoint belongs."""
    if found.entry.sure >= found.confidence:
        return found
    differs = found.entry.sure < SPELLED
    reason = Text(_DIFFERS, {"touchpoint": found.entry.touchpoint}) if differs else found.reason
    return replace(found, confidence=found.entry.sure, reason=reason)


def _placed(found: Found, read: _Reading, index: Index) -> Found:
    """With the place that the name tells: a payment "in store" is physical, an invoice "by post" comes by post.

    A remark wins over what the dictionary says of the touchpoint; a word that is part of its name only fills what is open.
    """
    entry = found.entry
    channel, kind = entry.channel, entry.touchpoint_type
    remarks = [word for hit in read.hits for word in hit.said if word.kind == "place"] if entry.strength else []
    if remarks:
        channel, kind = _place(remarks, channel, kind)
    if channel is None or kind is None:
        inside = [word for key in _stretches(read.words) for word in index.words.get(key, ()) if word.kind == "place"]
        told = _place(inside, None, None)
        channel, kind = channel or told[0], kind or told[1]
    return Found(entry, found.confidence, found.reason, found.done, channel, kind)


def _place(places: list[Word], channel: str | None, kind: str | None) -> tuple[str | None, str | None]:
    """What the places say together; nothing new where they are of two kinds."""
    kinds = {place.touchpoint_type for place in places}
    if len(kinds) != 1:
        return channel, kind
    return next((place.name for place in reversed(places) if place.name != "person"), channel), kinds.pop()


def _stretches(words: tuple[str, ...]) -> Iterator[str]:
    return ("".join(words[i : i + size]) for size in (1, 2, 3) for i in range(len(words) - size + 1))


def _shown(read: _Reading, hits: list[_Hit]) -> str:
    return " ".join(dict.fromkeys(word for hit in hits for word in read.words[hit.first : hit.first + hit.words]))
