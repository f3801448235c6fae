"""Comments in four languages, put together from phrases that native ears would accept.

A comment = an opening that names the thing bought + one or two phrases on the topic + closing words. Opening and
closing words are optional.
"""

import random

from . import arabic, english, persian, russian

LANGUAGES = {"en": english, "ar": arabic, "fa": persian, "ru": russian}
DIGITS = {"ar": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"), "fa": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")}
PART_OF = {"Guest checkout": "Checkout", "Hidden cost": "Checkout", "Cost up front": "Checkout"}

OPENING_SHARE = 0.5
SECOND_PHRASE_SHARE = 0.42
CLOSING_SHARE = 0.45
CLOSING_ALONE_SHARE = 0.04
NO_FULL_STOP_SHARE = 0.3
EXCLAMATION_SHARE = 0.1


def write_comment(chance: random.Random, language: str, topic: str, sentiment: str) -> str:
    """What would a customer of this language write about this topic in this mood?

    `topic` is a key of PHRASES; `sentiment` is positive, neutral or negative. A special topic without phrases of that
    sentiment falls back on the topic it belongs to.
    """
    words = LANGUAGES[language]
    if sentiment not in words.PHRASES[topic]:
        topic = PART_OF[topic]
    closing: str = chance.choice(words.CLOSINGS[sentiment])
    if chance.random() < CLOSING_ALONE_SHARE:
        return closing
    parts: list[str] = []
    if chance.random() < OPENING_SHARE:
        parts.append(chance.choice(words.OPENINGS[PART_OF.get(topic, topic)]))
    parts.extend(choose_phrases(chance, words.PHRASES[topic][sentiment], sentiment))
    if chance.random() < CLOSING_SHARE:
        parts.append(closing)
    elif chance.random() < NO_FULL_STOP_SHARE:
        parts[-1] = parts[-1].removesuffix(".")
    return fill_in(chance, " ".join(parts), language)


def choose_phrases(chance: random.Random, aspects: tuple[tuple[str, ...], ...], sentiment: str) -> list[str]:
    """One phrase, or two of different aspects, each ended as a sentence."""
    how_many = 2 if len(aspects) > 1 and chance.random() < SECOND_PHRASE_SHARE else 1
    phrases = [chance.choice(aspect) for aspect in chance.sample(aspects, how_many)]
    end = "!" if sentiment != "neutral" and chance.random() < EXCLAMATION_SHARE else "."
    return [phrase + end for phrase in phrases]


def fill_in(chance: random.Random, text: str, language: str) -> str:
    """Fill the slots; the ranges keep to numbers that Russian and Arabic count with one form of the noun."""
    numbers = {
        "days": str(chance.randint(5, 9)),
        "minutes": str(chance.randint(5, 10)),
        "long_minutes": str(chance.choice((20, 25, 30, 35, 40, 45))),
    }
    if language in DIGITS:
        numbers = {name: number.translate(DIGITS[language]) for name, number in numbers.items()}
    return text.format(item=chance.choice(LANGUAGES[language].ITEMS), **numbers)
