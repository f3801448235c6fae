"""Which words are forms of one word? Light rules for plain spelling: they group words, nobody ever sees the stem.

Measured on open answers (benchmarks/themes.py): in English and Arabic the rules put more comments into a theme and make groups a
little steadier, as much as the stemmers and lemmatisers of Snowball and simplemma do, which are larger and slower; coherence
gains in some sets and loses in others. In Persian nothing was gained by any of them: plain spelling already parts a word from
its endings where people write a joiner or a space. For Russian there were no open answers to measure on.
"""

from __future__ import annotations

from collections.abc import Callable

_ARTICLES = ("وال", "بال", "کال", "فال", "ال", "لل")  # the article, and what is written before it
_ARABIC_ENDINGS = ("ها", "ات", "ون", "ین", "هم", "نا")
# Endings of Russian nouns, adjectives and verbs, longest first; ё is е in plain spelling.
_RUSSIAN_ENDINGS = (
    "иями", "лась", "лось", "лись", "ться", "ешь", "ишь", "ыми", "ими", "ого", "его", "ому", "ему", "ами", "ями", "ает", "яет",
    "ают", "яют", "ать", "ять", "ить", "еть", "ала", "ало", "али", "ила", "ило", "или", "иям", "иях", "ией", "ием", "тся",
    "лся", "ов", "ев", "ей", "ий", "ый", "ой", "ая", "яя", "ое", "ее", "ые", "ие", "ых", "их", "ым", "им", "ом", "ем", "ую",
    "юю", "ам", "ям", "ах", "ях", "ою", "ею", "ия", "ию", "ии", "ла", "ло", "ли", "ть", "ют", "ут", "ат", "ят", "ет", "ит",
    "ил", "ал", "а", "я", "о", "е", "ы", "и", "у", "ю", "ь",
)  # fmt: skip
_LEAST = 3  # letters that must be left
_LEAST_RUSSIAN = 4


def stem(word: str, language: str) -> str:
    """What the forms of a word have in common; the word itself where the language has no rules.

    >>> [stem(word, "en") for word in ("seats", "delivery", "deliveries", "staff's", "glass")]
    ['seat', 'delivery', 'delivery', 'staff', 'glass']
    >>> len({stem(word, "ru") for word in ("доставка", "доставки", "доставку", "доставкой")})
    1
    """
    rule = _RULES.get(language)
    return rule(word) if rule else word


def _english(word: str) -> str:
    """Without the endings of plurals and verbs, a doubled letter before them, and the e that they take away."""
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    ending = next((e for e in ("ing", "ed") if word.endswith(e)), "")
    rest = word.removesuffix(ending)
    if ending and len(rest) >= _LEAST and set(rest) & set("aeiouy"):
        word = rest[:-1] if len(rest) > _LEAST and rest[-1] == rest[-2] and rest[-1] not in "ls" else rest
    if len(word) > 5 and word.endswith("ll"):
        word = word[:-1]  # cancelled, canceled
    return word.removesuffix("e") if len(word) > _LEAST else word


def _arabic(word: str) -> str:
    """Without the article, a joined "and", and the commonest endings."""
    article = next((a for a in _ARTICLES if word.startswith(a) and len(word) - len(a) >= _LEAST), "")
    word = word.removeprefix(article)
    if not article and word.startswith("و") and len(word) >= 5:
        word = word[1:]
    ending = next((e for e in _ARABIC_ENDINGS if word.endswith(e) and len(word) - len(e) >= _LEAST), "")
    word = word.removesuffix(ending)
    return word[:-1] if len(word) > _LEAST and word.endswith(("ه", "ی")) else word


def _russian(word: str) -> str:
    for reflexive in ("ся", "сь"):
        if len(word) - 2 > _LEAST_RUSSIAN:
            word = word.removesuffix(reflexive)
    ending = next((e for e in _RUSSIAN_ENDINGS if word.endswith(e) and len(word) - len(e) >= _LEAST_RUSSIAN), "")
    return word.removesuffix(ending)


_RULES: dict[str, Callable[[str], str]] = {"en": _english, "ar": _arabic, "ru": _russian}
