"""Which encoding a text is in: by its byte order mark, by its zeros, else by the words that its bytes would make.

A text in an older encoding does not say which. Read in the wrong one, its words have capitals in the middle, signs between
letters, letters of two scripts side by side, or rare letters in every word. Each candidate is read and weighed by that.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from cx_metrics.reading.report import shorten
from cx_metrics.texts import N_, Text

# Codec → the name that programs show for it. All can be chosen; those in CANDIDATES are also found.
ENCODINGS: Mapping[str, str] = MappingProxyType(
    {
        "utf-8": "UTF-8",
        "utf-16": "UTF-16",
        "utf-16-le": "UTF-16 LE",
        "utf-16-be": "UTF-16 BE",
        "cp1252": "Windows-1252",
        "cp1251": "Windows-1251",
        "cp1256": "Windows-1256",
        "cp1250": "Windows-1250",
        "cp1254": "Windows-1254",
        "cp1253": "Windows-1253",
        "cp1255": "Windows-1255",
        "iso8859-1": "ISO-8859-1",
        "iso8859-2": "ISO-8859-2",
        "iso8859-5": "ISO-8859-5",
        "iso8859-6": "ISO-8859-6",
        "iso8859-9": "ISO-8859-9",
        "iso8859-15": "ISO-8859-15",
        "koi8-r": "KOI8-R",
        "mac-roman": "Mac Roman",
        "mac-cyrillic": "Mac Cyrillic",
        "cp850": "DOS 850",
        "cp437": "DOS 437",
        "cp866": "DOS 866",
        "utf-32": "UTF-32",
        "gb18030": "GB18030",
        "cp932": "Shift JIS",
        "cp949": "EUC-KR",
        "cp950": "Big5",
    }
)
# What is found, and how much likelier it is than the rarest before a word was read: where two read the text alike, the first
# is taken. Windows-1252 and -1254 hold all letters of ISO-8859-1 and -9 at the same places.
CANDIDATES: Mapping[str, float] = MappingProxyType(
    {
        "cp1252": 3.0, "cp1251": 3.0, "cp1256": 3.0, "cp1250": 2.0, "cp1254": 2.0, "cp1253": 2.0, "cp1255": 2.0,
        "iso8859-15": 1.0, "koi8-r": 1.0, "mac-roman": 1.0, "cp866": 0.0, "iso8859-5": 0.0, "iso8859-2": 0.0,
        "iso8859-6": 0.0, "cp850": 0.0, "cp437": 0.0, "mac-cyrillic": 1.0,
    }
)  # fmt: skip
# Encodings of which another one has all letters at the same places, and more.
_WIDER = MappingProxyType(
    {
        "shift_jis": "cp932",
        "euc_kr": "cp949",
        "gb2312": "gb18030",
        "gbk": "gb18030",
        "big5": "cp950",
        "utf-32-le": "utf-32",
    }
)
UTF16 = ("utf-16", "utf-16-le", "utf-16-be")
MARKED = "touchline-marked"  # errors= of UTF-16: what is no character becomes a lone surrogate, as bytes do elsewhere

_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
WEIGHED = 4_000  # signs beyond ASCII that are looked at
WITHOUT_LETTERS = ("cp1252", "iso8859-15", "mac-roman")  # of which signs alone (a price, a dash) can be evidence
FITS = 0.5  # mean weight of a sign from which on the words are words; wrong readings lie below 0
NEAR = 0.5  # a reading whose signs weigh so little less may be the right one too
HIGH_BYTES = 3  # nearly all letters of UTF-16 text have one of so few high bytes
EXAMPLES = 3

_WORD = re.compile(rb"[A-Za-z'\x80-\xff-]*[\x80-\xff][A-Za-z'\x80-\xff-]*")
_ODD_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1a\x1b\x1f\0")

# The letters of a script from the most to the least used.
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
_ARABIC = "اليمونرتبةعدسفهكقأحجشصىخإذثطضغئءؤآظ"
_PERSIAN = "ايندرمهوتبسشکلزفگعخقجآپحچصطغضذثژظئءؤ"
_GREEK = "αοιετσνηυρπκμλςόίγωέάδήχθύφώβξζψϊϋ"
_HEBREW = "יוהלאמרתבשנםחקעפדכגטצסזןךץף"
_LATIN = (
    ("éüäöáñíóèàçß", 2.0),
    ("êúâôîãõåøæëïœùûìòğışłąęśćńżź", 1.5),
    ("ščž", 1.0),
    ("řěůőűăďťň", 0.5),
    ("ýţ", 0.0),
    ("ðþÿŕĺľđ", -1.5),
)
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "éèàçêùâîôûëïœæ", "äöüßé", "áéíóúñüª", "áéíóúàâêôãõç", "àçèéíïòóúü", "àèéìòù", "åäöøæéðþáíóúý", "ëéïöüè",
        "ąćęłńóśźż", "áčďéěíňóřšťúůýžľĺŕôä", "áéíóöőúüű", "ăâîșțşţ", "çğışöüâî", "čćđšž",
    )
)  # fmt: skip
_SIGNS = frozenset("«»„“”‘’‚–—…€£°№™®©§•·×¿¡ºª½¼¾²³،؟؛\xa0")
_IN_WORDS = frozenset("·\xad\u200c\u200d")
_BY_NUMBERS = frozenset("€£°№§•×")
_ALONE = frozenset("àéèóôаивоскуя")  # words of one letter


_OFTEN = (
    "的一是不了人我在有他大中上到和你地出道也得就那要下以生自之好很服品天快差意可家子"  # in Chinese of both scripts
)
_SIMPLE, _FULL = "这来个国说们为时年会着去过学对务客户产满", "這來個國說們為時年會著去過學對務客戶產滿"
# Codec → letters that its texts are full of, and the least share of them among all letters.
_TWO_BYTES = MappingProxyType(
    {
        "cp932": (re.compile("[\u3041-\u3093\u30a1-\u30fc]"), 0.25),
        "cp949": (re.compile("[\uac00-\ud7a3]"), 0.9),
        "gb18030": (re.compile(f"[{_OFTEN}{_SIMPLE}]"), 0.15),
        "cp950": (re.compile(f"[{_OFTEN}{_FULL}]"), 0.15),
    }
)
_HIGH_RUN = re.compile(rb"[\x80-\xff][\x40-\xff]*")
FEW_RUNS = 5

_REASONS = MappingProxyType(
    {
        "cyrillic": N_(
            "It holds bytes that are not UTF-8. Read as {encoding} they are words in Cyrillic letters: {words}."
        ),
        "arabic": N_(
            "It holds bytes that are not UTF-8. Read as {encoding} they are Arabic or Persian words: {words}."
        ),
        "latin": N_(
            "It holds bytes that are not UTF-8. Read as {encoding} they are words with European letters: {words}."
        ),
        "greek": N_("It holds bytes that are not UTF-8. Read as {encoding} they are Greek words: {words}."),
        "hebrew": N_("It holds bytes that are not UTF-8. Read as {encoding} they are Hebrew words: {words}."),
        "east": N_(
            "It holds bytes that are not UTF-8. Read as {encoding} they are Chinese, Japanese or Korean words: {words}."
        ),
        "other": N_(
            "It holds bytes that are not UTF-8. Read as {encoding} they are signs that stand in texts: {words}."
        ),
    }
)


@dataclass(frozen=True)
class Encoding:
    """How bytes are to be read: the codec, how sure that is (0 to 1), why, and which others read the words nearly as well."""

    codec: str
    confidence: float
    reason: Text | None = None
    others: tuple[str, ...] = ()


def encoding_name(codec: str) -> str:
    """The name that people know an encoding by."""
    return ENCODINGS.get(codec, codec)


def known_encoding(name: str) -> str | None:
    """The codec of a name as people write it ("Windows-1251", "latin1", "UTF8"), or None if it is none of ours."""
    try:
        wanted = codecs.lookup(name.replace("DOS ", "cp").replace("Mac ", "mac-")).name.removesuffix("-sig")
    except (LookupError, ValueError):
        return None
    wanted = _WIDER.get(wanted, wanted)
    return next((codec for codec in ENCODINGS if codecs.lookup(codec).name == wanted), None)


def errors_of(codec: str) -> str:
    """How bytes that a codec does not know are kept recognisable: as lone surrogates."""
    return MARKED if codec in (*UTF16, "utf-32") else "surrogateescape"


def marked_encoding(start: bytes) -> Encoding | None:
    """The encoding that a byte order mark names, which leaves no doubt."""
    for mark, codec in _MARKS:
        if start.startswith(mark):
            return Encoding(codec, 1.0, Text(N_("It begins with the byte order mark of {encoding}."), _named(codec)))
    return None


def bare_utf16(start: bytes) -> Encoding | None:
    """UTF-16 without a byte order mark: one half of each pair is a zero, or one of very few other bytes."""
    pairs = start[: len(start) // 2 * 2]
    for codec, high in (("utf-16-le", pairs[1::2]), ("utf-16-be", pairs[::2])):
        if not high or high.count(0) * 20 < len(high):
            continue
        usual = sum(count for _byte, count in Counter(high).most_common(HIGH_BYTES))
        low = pairs[::2] if codec == "utf-16-le" else pairs[1::2]
        if usual >= 0.95 * len(high) and low.count(0) * 20 < max(high.count(0), 20):
            text = pairs.decode(codec, "replace")
            odd = sum(unicodedata.category(sign) in ("Cc", "Cn", "Co", "Cs") for sign in text if sign not in "\t\r\n")
            if odd * 20 <= len(text):
                reason = N_(
                    "It has no byte order mark, but nearly every second byte is one that {encoding} text has there."
                )
                return Encoding(codec, 0.9, Text(reason, _named(codec)))
    return None


def find_encoding(odd: bytes) -> Encoding | None:
    """The older encoding of text that is not UTF-8 (the lines that say so are enough), or None where none makes words of it."""
    if any(odd.count(sign) for sign in _ODD_CONTROL):
        return None
    words = _words(odd)
    signs = sum(sum(byte > 127 for byte in word) for word in words)
    if not signs:
        return None
    weighed: dict[str, float] = {}
    read: dict[str, str] = {}
    for codec in CANDIDATES:
        read[codec] = " ".join(word.decode(codec, "surrogateescape") for word in words)
        weighed[codec] = weight(read[codec]) + CANDIDATES[codec]
    fitting = [codec for codec in CANDIDATES if weighed[codec] - CANDIDATES[codec] >= FITS * signs]
    fitting = [c for c in fitting if c in WITHOUT_LETTERS or any(s.isalpha() and not s.isascii() for s in read[c])]
    if not fitting:
        return _of_two_bytes(odd)
    best = max(fitting, key=lambda codec: weighed[codec])
    rest = [codec for codec in CANDIDATES if read[codec] != read[best]]
    lead = weighed[best] - max((weighed[codec] for codec in rest), default=0.0)
    close = weighed[best] - max(NEAR * signs, 4.0)
    near = sorted((c for c in rest if c in fitting and weighed[c] > close), key=lambda codec: -weighed[codec])
    others = tuple(codec for n, codec in enumerate(near) if read[codec] not in [read[earlier] for earlier in near[:n]])
    return Encoding(best, round(lead / (lead + 4), 2), _reason(best, read[best]), others)


def _of_two_bytes(odd: bytes) -> Encoding | None:
    """The Chinese, Japanese or Korean encoding in which all of the lines are words, or None.

    Asked only where no encoding of one byte a letter makes words. Words that stand between signs of ASCII are of an even number of
    bytes by chance in every second case, so some tens of them leave little doubt.
    """
    runs = len(set(_HIGH_RUN.findall(odd)))
    found: dict[str, tuple[float, str]] = {}
    for codec, (common, least) in _TWO_BYTES.items():
        try:
            text = odd.decode(codec)
        except UnicodeDecodeError:
            continue
        letters = [sign for sign in text if sign > "\x7f" and sign.isalpha()]
        share = sum(bool(common.match(sign)) for sign in letters) / max(len(letters), 1)
        if share >= least and sum(map(str.isalpha, text)) >= 2:
            found[codec] = share / least, text
    if not found or runs < FEW_RUNS:
        return None
    best = max(found, key=lambda codec: found[codec][0])
    words = re.findall(r"[^\W\d_]*[^\x00-\x7f\W][^\W\d_]*", found[best][1])
    shown = shorten(", ".join(dict.fromkeys(word[:8] for word in words[:EXAMPLES])))
    reason = Text(_REASONS["east"], {**_named(best), "words": shown})
    return Encoding(best, 0.8, reason, tuple(codec for codec in found if codec != best))


def weight(text: str) -> float:
    """How much a text looks like words that people write: each sign beyond ASCII adds to it, or takes from it."""
    total = 0.0
    latin = Counter(sign.lower()[0] for sign in text if sign > "\x7f" and sign.isalpha() and _script(sign) == "latin")
    if latin:  # the letters of most texts are those of one language
        total -= 1.5 * min(sum(count for one, count in latin.items() if one not in known) for known in _ALPHABETS)
    run = 0  # letters of Latin beyond ASCII, one after another
    around = f" {text}  "
    for place, sign in enumerate(text, 1):
        if sign < "\x80":
            run = 0
            continue
        before, after = around[place - 1], around[place + 1]
        script, value = _sign(sign)
        if script:
            run = run + 1 if script == "latin" else 0
            total += value - (0.0, 0.0, 1.5, 2.5)[min(run, 3)]
            total += _next_to_it(sign, script, before, after)
            continue
        run = 0
        if sign == "’" and before.isalpha() and after.isalpha():
            short = not around[place + 2].isalpha() or not around[place - 2].isalpha()  # it’s, l’eau
            total += 2.5 if short or around[place + 1 : place + 3] in ("re", "ve", "ll") else value
        elif before.isalpha() and (after.isalpha() or sign in _BY_NUMBERS):
            total += value if sign in _IN_WORDS else min(value, -4.0 if after.isalpha() else -1.5)
        else:
            total += value
    return total


def _next_to_it(sign: str, script: str, before: str, after: str) -> float:
    """What the signs beside a letter say about it."""
    if not before.isalpha():
        if not after.isalpha():
            return -2.0 if sign not in _ALONE else -1.0
        return -3.0 if script != "latin" and after.isascii() else 0.0
    mixed = -3.0 if _script(before) != script else 0.0
    return mixed - (4.0 if sign.isupper() and before.islower() else 0.0)


@lru_cache(maxsize=4096)
def _sign(sign: str) -> tuple[str, float]:
    """The script of a sign beyond ASCII ("": none) and what it weighs."""
    kind = unicodedata.category(sign)
    if kind[0] in "LM":
        lower = sign.lower()
        value = _LETTERS.get(lower, -3.0)
        return _script(sign), value - (0.5 if sign != lower else 0.0)
    if sign in _SIGNS:
        return "", 0.5
    if sign in "\xad\u200c\u200d\u200e\u200f":
        return "", 0.25
    if kind in ("Cc", "Cs", "Co", "Cn"):
        return "", -6.0
    return "", -4.0 if "\u2200" <= sign <= "\u25ff" else -3.0 if sign == "¤" else -1.5


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    if letter < "\u0250":
        return "latin"
    if "\u0400" <= letter <= "\u04ff":
        return "cyrillic"
    if "\u0600" <= letter <= "\u06ff":
        return "arabic"
    return "greek" if "\u0370" <= letter <= "\u03ff" else "hebrew" if "\u0590" <= letter <= "\u05ff" else "other"


def _by_use(letters: str) -> dict[str, float]:
    return {letter: 3.0 - 5.0 * place / len(letters) for place, letter in enumerate(letters)}


def _letters() -> dict[str, float]:
    found = {letter: value for letters, value in _LATIN for letter in letters}
    found |= dict.fromkeys("іїєў", 0.0) | dict.fromkeys("ґјљњћђџ", -2.0) | dict.fromkeys("ًٌٍَُِّْ", 0.0)
    found |= _by_use(_CYRILLIC) | _by_use(_GREEK) | _by_use(_HEBREW) | {"i̇": 1.5}  # the last: İ in lower case
    for letter, value in (*_by_use(_ARABIC).items(), *_by_use(_PERSIAN).items()):
        found[letter] = max(value, found.get(letter, value))
    return found


_LETTERS = _letters()


def _words(odd: bytes) -> list[bytes]:
    """The words that hold bytes beyond ASCII, each once, up to a number that says enough."""
    found: dict[bytes, None] = {}
    signs = 0
    for match in _WORD.finditer(odd):
        word = match[0][:64]
        if word not in found:
            found[word] = None
            signs += sum(byte > 127 for byte in word)
            if signs > WEIGHED:
                break
    return list(found)


def _named(codec: str) -> dict[str, str]:
    return {"encoding": encoding_name(codec)}


def _reason(codec: str, text: str) -> Text:
    examples = sorted({word for word in text.split() if word.isalpha()}, key=lambda word: (len(word) < 4, len(word)))
    shown = shorten(", ".join(examples[:EXAMPLES] or text.split()[:EXAMPLES]))
    scripts = Counter(_script(sign) for sign in text if sign.isalpha() and not sign.isascii())
    script = scripts.most_common(1)[0][0] if scripts else "other"
    return Text(_REASONS[script], {**_named(codec), "words": shown})


def _keep_marked(fault: UnicodeError) -> tuple[str, int]:
    """What is no character of UTF-16 becomes a lone surrogate, and is written again as one."""
    if isinstance(fault, UnicodeDecodeError):
        return "\udcff", fault.end
    if isinstance(fault, UnicodeEncodeError):
        little = fault.encoding.lower().replace("_", "-") != "utf-16-be"
        return (b"\xff\xdc" if little else b"\xdc\xff") * (fault.end - fault.start), fault.end  # type: ignore[return-value]
    raise fault


codecs.register_error(MARKED, _keep_marked)
