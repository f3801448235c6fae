"""Where the ids of customers stand in text: as a whole word, so that customer 12 is not found in the number 4123."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection

WORD = re.compile(r"[^\W_]+")  # letters and digits, as `str.isalnum` has them
PLAIN = re.compile(rb"[0-9A-Za-z]+")  # those of ASCII, which are found faster
FEW = 16  # ids up to which a block is searched for each by itself
FOUND = 64  # the same for ids whose words are known to be in it


class Ids:
    """Ids to look for. One stands in a text where neither a letter nor a digit goes on at its ends."""

    def __init__(self, ids: Collection[str]) -> None:
        self.all = frozenset(found for found in ids if found.strip())
        self._by_word: dict[str, list[tuple[int, str]]] = defaultdict(list)  # first word → its place in the id, id
        self._by_plain: dict[bytes, list[str]] = defaultdict(list)  # first ASCII word → ids; none: those without one
        self._wordless = [found for found in self.all if not WORD.search(found)]
        for found in self.all:
            if first := WORD.search(found):
                self._by_word[first[0]].append((first.start(), found))
            plain = PLAIN.search(found.encode())
            self._by_plain[plain[0] if plain else b""].append(found)
        self._written = _as_written(self.all)

    def __contains__(self, text: str) -> bool:
        """Whether one of the ids stands in the text of a cell."""
        for word in WORD.finditer(text):
            for lead, found in self._by_word.get(word[0], ()):
                begin = word.start() - lead
                end = begin + len(found)
                if begin >= 0 and text.startswith(found, begin):
                    after = text[end : end + 1]
                    if not (found[-1].isalnum() and after.isalnum()):
                        return True
        return any(found in text for found in self._wordless)

    def in_line(self, line: str) -> bool:
        """Whether one stands in a line as it is written, whose cells nobody can tell apart."""
        return line in self or ('""' in line and line.replace('""', '"') in self)

    def places(self, block: bytes) -> list[int]:
        """The bytes of a UTF-8 text near which one may stand: at least one in every line that holds one."""
        written = self._written if len(self.all) <= FEW else _as_written(self._possible(block))
        found = []
        if len(written) > FOUND:
            begin = 0
            for line in block.split(b"\n"):
                if self._possible(line):
                    found.append(begin)
                begin += len(line) + 1
            return found
        for form in written:
            at = self._first(block, form, 0)
            while at >= 0:
                found.append(at)
                at = self._first(block, form, at + 1)
        return found

    def _possible(self, block: bytes) -> list[str]:
        """The ids whose first word is in the block."""
        words = self._by_plain.keys() & PLAIN.findall(block)
        plain = [i for word in words for i in self._by_plain[word]]
        return plain + [i for i in self._by_plain.get(b"", ()) if any(form in block for form in _as_written([i]))]

    @staticmethod
    def _first(block: bytes, written: bytes, begin: int) -> int:
        """Where the bytes stand next with no ASCII letter or digit going on at their ends; -1: nowhere."""
        while (at := block.find(written, begin)) >= 0:
            end = at + len(written)
            goes_on = at > 0 and block[at - 1 : at].isalnum() and written[:1].isalnum()
            if not goes_on and not (block[end : end + 1].isalnum() and written[-1:].isalnum()):
                return at
            begin = at + 1
        return -1


def _as_written(ids: Collection[str]) -> list[bytes]:
    """The ids as they stand in a file: a quoted cell doubles its quotation marks."""
    return sorted({form.encode() for i in ids for form in (i, i.replace('"', '""'))})
