"""A page, or all pages, as one file that opens anywhere, without a server and without the network: to mail, to print, to keep.

Words, numbers and charts are those of the screen, on light ground. Charts are SVG, fonts are inside, nothing in it runs. A
content policy in the file forbids every request and every script, whatever the data say.
"""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from cx_metrics.charts.theme import FONT, Reader, css_variables
from cx_metrics.exports.book import Book, Card, Chapter, Drawing, Progress, no_progress
from cx_metrics.exports.pictures import svg
from cx_metrics.safe_text import has_right_to_left, safe

FONTS = Path(__file__).parents[2] / "static"
POLICY = (
    "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_LATIN = (
    "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212"
)
_CYRILLIC = "U+0301,U+0400-045F,U+0490-0491,U+04B0-04B1,U+2116"
_ARABIC = "U+0600-06FF,U+0750-077F,U+0870-088E,U+0890-0891,U+0897-08FF,U+200C-200F,U+FB50-FDFF,U+FE70-FEFC"
_FACES = (  # family, file, range of characters
    ("IBM Plex Sans", "ibm-plex-sans-latin-{weight}-normal.woff2", _LATIN),
    ("IBM Plex Sans", "ibm-plex-sans-cyrillic-{weight}-normal.woff2", _CYRILLIC),
    ("Vazirmatn", "vazirmatn-arabic-{weight}-normal.woff2", _ARABIC),
)

STYLE = """
*{box-sizing:border-box} body{margin:0;background:var(--tl-page);color:var(--tl-text);font:400 15px/1.5 FONT}
main{max-width:1040px;margin-inline:auto;padding:2rem 1.5rem 4rem} p,h1,h2{margin:0}
header{border-bottom:1px solid var(--tl-line);padding-bottom:1rem;margin-bottom:1rem}
header h1{font-size:1.625rem;line-height:1.25;font-weight:600;text-wrap:balance;max-width:62ch}
header p{color:var(--tl-muted);font-size:.9375rem}
header ul{margin:.5rem 0 0;padding:0;list-style:none;font-size:.8125rem;color:var(--tl-muted)}
section{background:var(--tl-surface);border:1px solid var(--tl-line);border-radius:10px;padding:1rem 1.125rem}
section{margin-block:1rem;break-inside:avoid}
section.bare{background:none;border:0;padding:0} section>h2{font-size:1rem;line-height:1.35;font-weight:600}
figure{margin:.75rem 0;direction:ltr;overflow-x:auto} figure svg{max-width:100%;height:auto;display:block}
figure svg text{font-family:FONT!important} [dir=rtl] figure>svg{margin-left:auto}
nav{border-bottom:1px solid var(--tl-line);margin-bottom:2rem;padding-bottom:1.5rem} nav .title{font-size:1.25rem;font-weight:600}
nav h2{font-size:.8125rem;color:var(--tl-muted);margin-top:.75rem} nav ol{margin:.25rem 0 0;padding-inline-start:1.25rem}
nav a{color:var(--tl-accent);font-weight:600;margin-inline-end:.5rem} article+article{margin-top:3rem;break-before:page}
details{margin-top:.5rem;font-size:.8125rem} summary{color:var(--tl-muted);cursor:pointer}
footer{font-size:.8125rem;color:var(--tl-muted);margin-top:1.5rem}
@media print{body{background:#fff} main{padding:0;max-width:none}}
"""


def book_html(book: Book, reader: Reader, style: str = "", progress: Progress = no_progress) -> str:
    """One page, or all of them with their contents first. `style`: the rules of tl-* classes.

    Strings in the body of a card are markup of ours, already escaped; everything else is escaped here.
    """
    direction = "rtl" if reader.rtl else "ltr"
    attributes = f'lang="{reader.language}" dir="{direction}" data-mode="light"{" data-rtl" if reader.rtl else ""}'
    own = STYLE.replace("FONT", FONT)
    made = _counting(progress, book.cards)
    several = len(book.chapters) > 1
    chapters = "".join(_chapter(chapter, i, book, reader, made) for i, chapter in enumerate(book.chapters, 1))
    return (
        f'<!doctype html>\n<html {attributes}><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{safe(book.title, 'html')}</title>"
        f"<style>{font_faces()}{css_variables('light')}{style}{own}</style></head>"
        f"<body><main>{_contents(book, reader) if several else ''}{chapters}<footer>Touchline</footer></main></body></html>\n"
    )


def _contents(book: Book, reader: Reader) -> str:
    """Where to find which page."""
    entries = "".join(
        f'<li><a href="#page-{i}">{_said(chapter.name, reader)}</a> {_said(chapter.finding, reader)}</li>'
        for i, chapter in enumerate(book.chapters, 1)
    )
    head = f'<p class="title">{_said(book.title, reader)}</p><h2>{_said(book.words.contents, reader)}</h2>'
    return f"<nav>{head}<ol>{entries}</ol></nav>"


def _chapter(chapter: Chapter, number: int, book: Book, reader: Reader, made: Callable[[], None]) -> str:
    lines = "".join(f"<li>{_said(line, reader)}</li>" for line in (chapter.name, *chapter.lines) if line)
    sections = "".join(_section(card, book, reader, made) for card in chapter.cards)
    head = f"<h1>{_said(chapter.finding, reader)}</h1><p>{_said(chapter.question, reader)}</p><ul>{lines}</ul>"
    return f'<article id="page-{number}"><header>{head}</header>{sections}</article>'


def _counting(progress: Progress, of: int) -> Callable[[], None]:
    """Says after each card how many are made."""
    count = itertools.count(1)
    return lambda: progress(next(count), of)


def _section(card: Card, book: Book, reader: Reader, made: Callable[[], None]) -> str:
    head = f"<h2>{_said(card.finding, reader)}</h2>" if card.finding else ""
    note = f'<p class="tl-sub">{_said(card.note, reader)}</p>' if card.note else ""
    body = "".join(_piece(piece, reader) for piece in card.body)
    parts = " · ".join(_said(part, reader) for part in card.caption if part)
    caption = f'<p class="tl-caption">{parts}</p>' if parts else ""
    pairs = "".join(f"<div><dt>{_said(t, reader)}</dt><dd>{_said(v, reader)}</dd></div>" for t, v in card.meaning)
    summary = f"<summary>{_said(book.words.counted, reader)}</summary>"
    counted = f'<details>{summary}<dl class="tl-definitions">{pairs}</dl></details>' if pairs else ""
    made()
    return f"<section{'' if card.finding else ' class=bare'}>{head}{note}{body}{caption}{counted}</section>"


def _said(words: str, reader: Reader) -> str:
    """A sentence in the direction of the page, even if it begins with a word in the other one."""
    side = "rtl" if reader.rtl and has_right_to_left(words) else "ltr"
    return f'<bdi dir="{side}">{safe(words, "html")}</bdi>'


def _piece(piece: str | Drawing | pd.DataFrame, reader: Reader) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, pd.DataFrame):
        return _table(piece, reader)
    return f'<figure role="img" aria-label="{safe(piece.alt, "html")}">{svg(piece.figure)}</figure>'


def _table(frame: pd.DataFrame, reader: Reader) -> str:
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]

    def cell(value: object, number: bool) -> str:
        if not number:
            return f"<td><bdi>{'' if value is None else safe(value, 'html')}</bdi></td>"
        amount = None if bool(pd.isna(value)) else float(str(value))  # type: ignore[call-overload]
        decimals = 0 if amount is None or amount == int(amount) else 3
        return f'<td class="n"><bdi dir="ltr">{safe(reader.number(amount, decimals), "html")}</bdi></td>'

    heads = "".join(f"<th scope=col><bdi>{safe(name, 'html')}</bdi></th>" for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(cell(v, n) for v, n in zip(row, numeric, strict=True)) + "</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    return f'<div class="tl-scroll"><table class="tl-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def font_faces() -> str:
    """The fonts as they stand inside a file."""
    faces = []
    for family, file, characters in _FACES:
        for weight in ("400", "600"):
            path = FONTS / file.format(weight=weight)
            if not path.is_file():
                continue
            data = b64encode(path.read_bytes()).decode()
            faces.append(
                f"@font-face{{font-family:'{family}';font-weight:{weight};unicode-range:{characters};"
                f"src:url(data:font/woff2;base64,{data}) format('woff2')}}"
            )
    return "".join(faces)
