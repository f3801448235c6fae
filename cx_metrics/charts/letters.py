"""How wide is a text in our fonts? For pictures whose labels have to fit before anything has been drawn.

Advance widths of IBM Plex Sans and Vazirmatn, regular, in thousandths of the font size, rounded up to 40; letters of Arabic script
as they stand between others. `tests/charts/test_letters.py` compares them with the font files.
"""

from __future__ import annotations

import unicodedata

from cx_metrics.safe_text import cut

WIDTHS = {
    240: " ",
    280: "',.ijlìíîïĩīĭįıĵĺļľłіїј\u060c\u061b\u0622\u0623\u0625\u0627\u0640\u066c\u0671\u0674\u2018\u2019",
    320: "!:;[]|¡¦\u0644\u0661\u06b5\u06f1",
    360: "()ft{}²³·¹ŀţťŧ\u0626\u0628\u062a\u062b\u0646\u0649\u066e\u0679\u06ba\u06bc\u06d0",
    400: (
        "-/I\\rªºÌÍÎÏĨĪĬĮİŕŗřІЇ\u0631\u0632\u063d\u064a\u0660\u067c\u067e\u0691\u0693\u0695\u0696\u0698\u06bd"
        "\u06cc\u06ce"
    ),
    440: '"гѓ\u060d\u061f\u0621\u066b\u06f0',
    480: "*?z®°¿źżžт\u0624\u0648\u0664\u06c3\u06c6\u06c7\u06c8\u06c9\u06ca\u06cb\u06cf\u201c\u201d",
    520: (
        "JLcsvxy¢«»çýÿćĉċčĳĴĹĻĽĿŁśŝşšŷЃЈГзсухьэєѕў\u0629\u0641\u0642\u0643\u0647\u0666\u0669\u066a\u066f"
        "\u06a1\u06a4\u06a9\u06ab\u06ac\u06ad\u06af\u06be\u06c0\u06c1\u06c2\u06f6\u06f9"
    ),
    560: "Faegkoàáâãäåèéêëðòóôõöāăąēĕėęěĝğġģķĸōŏőавекочяѐёќ\u062f\u0630\u0662\u0665\u0688\u0689\u06f2",
    600: (
        "$+0123456789<=>ESTYZ^_`bdhnpqu~£§¨¬¯±´µ¸ÈÉÊË×Ýñ÷øùúûüþđĒĔĖĘĚĥħńņňŋŚŜŞŠŢŤŦũūŭůűųŶŸŹŻŽЀЁЅЎЕЗТУбдийлнпр"
        "цъђћѝџ\u0639\u063a\u0645\u0667\u0668\u06a0\u06f4\u06f5\u06f7\u06f8\u2013"
    ),
    640: "CKPRVX¤¥ÇÞßĆĈĊČďĶŔŖŘЄБРСХЬЭЯ\u20ac",
    680: "ABDU¶ÀÁÂÃÄÅÐÙÚÛÜĀĂĄĎĐĲŨŪŬŮŰŲЌАВКЧ\u0637\u0638\u0663\u066d\u06f3",
    720: "#&GHNOQÑÒÓÔÕÖØĜĞĠĢĤĦŃŅŇŊŌŎŐЍЏИЙЛНОПм\u062c\u062d\u062e\u0681\u0685\u0686",
    760: "ДЦЪфы\u06cd",
    800: "w©ŵЂЋжшю\u2014",
    840: "M¾ŉМщљњ\u06aa\u06d2\u06d3\u2026",
    880: "m¼½æФЫ\u0633\u0634\u0635\u0636\u069a",
    920: "@WÆŴ",
    960: "%œШЮ",
    1000: "ŒЖЩ",
    1040: "ЉЊ\u2116",
}
WIDE, USUAL = 1_000, 640  # of signs the fonts do not have: wide ones (Chinese, say), and others
ENDS_WIDER = 480  # how much wider than in the middle the last letter of a word in Arabic script can be
_WIDTHS = {sign: width for width, signs in WIDTHS.items() for sign in signs}


def width_of(text: str, size: float) -> float:
    """Pixels that a line of text takes at most, at a font size of `size` pixels."""
    return sum(map(_of_sign, text)) * size / 1_000 + sum(map(_is_arabic, text.split())) * ENDS_WIDER * size / 1_000


def fitting(text: str, room: float, size: float) -> str:
    """As much of the text as fits into `room` pixels, an ellipsis last if anything was left out; a letter at least."""
    if width_of(text, size) <= room:
        return text
    low, high = 2, max(len(text) - 1, 2)  # the longest that fits lies between: more letters are never narrower
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_of(cut(text, middle), size) <= room else (low, middle - 1)
    return cut(text, low)


def _of_sign(sign: str) -> int:
    known = _WIDTHS.get(sign)
    if known is not None:
        return known
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Cf", "Cc", "Mn", "Me"):
        return 0
    return WIDE if unicodedata.east_asian_width(sign) in "WF" or ord(sign) > 0xFFFF else USUAL


def _is_arabic(word: str) -> bool:
    return "\u0600" <= word[-1] <= "\u06ff"
