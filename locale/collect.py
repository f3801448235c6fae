"""Collect the texts of the program and bring the catalogues up to date: `make messages`.

Questions that metrics answer stand in docstrings, so they are added from the registry. New messages are left empty; messages
that are no longer used are removed. `--check` changes nothing and fails if a catalogue is not complete.
"""

from __future__ import annotations

import io
import string
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("ar", "fa", "ru")
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "NP_": (1, 2), "pgettext": ((1, "c"), 2)}
DATED = datetime(2026, 1, 1, tzinfo=UTC)  # fixed: git knows when a catalogue changed
SKIPPED = ("tests/", "benchmarks/", "sample_data/", "locale/", ".venv/")


def collect() -> Catalog:
    """All messages of the source, with the places they come from."""
    catalogue = Catalog(project="Touchline", charset="utf-8", fuzzy=False)
    found = extract_from_dir(
        str(ROOT), [("**.py", "python")], {}, KEYWORDS, ["i18n:"], directory_filter=lambda path: _wanted(str(path))
    )
    for file, _line, message, comments, context in found:
        if message and not file.startswith(SKIPPED):
            catalogue.add(message, None, [(file, None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    sys.path.insert(0, str(ROOT))
    import cx_metrics
    from cx_metrics.tables import TABLES

    for metric in cx_metrics.METRICS.values():
        catalogue.add(metric.question, None, [(f"cx_metrics: {metric.name}", None)])  # type: ignore[list-item]
    for table in TABLES.values():
        catalogue.add(table.row)
    return catalogue


def _wanted(folder: str) -> bool:
    """Our own source: not what tests, samples and users' data say. `cx_metrics/workspace` is a room, `workspace` beside app.py is
    not."""
    path = Path(folder)
    if path.name.startswith((".", "__")):
        return False
    top = path.resolve().parent == ROOT
    return not (top and path.name in {"tests", "sample_data", "workspace", "benchmarks", "static"})


def file_of(language: str) -> Path:
    """The catalogue of a language."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "touchline.po"


def load(language: str) -> Catalog:
    """The catalogue of a language as it is; an empty one if there is none."""
    path = file_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Touchline", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, source: Catalog) -> bytes:
    """The catalogue brought up to date, as the bytes of its file."""
    catalogue = load(language)
    catalogue.header_comment = (
        f"# Touchline in {catalogue.locale.english_name}. English is the source text; see CONTRIBUTING.md."
    )
    catalogue.project, catalogue.version = "Touchline", "1"
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = "Touchline"
    catalogue.creation_date = catalogue.revision_date = DATED
    catalogue.update(source, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    out = io.BytesIO()
    write_po(out, catalogue, width=0, omit_header=False, sort_by_file=True, include_lineno=False)
    return out.getvalue()


def problems(language: str, source: Catalog) -> list[str]:
    """What is wrong with a catalogue: messages missing, empty, or with other places than their source."""
    catalogue = load(language)
    found = []
    for message in source:
        if not message.id:
            continue
        key = message.id[0] if message.pluralizable else message.id
        translated = catalogue.get(key, message.context)
        if translated is None or not _filled(translated):
            found.append(f"{language}: not translated: {key}")
            continue
        sources = list(message.id) if message.pluralizable else [message.id]
        wanted = [_places(s) for s in sources]
        forms = translated.string if isinstance(translated.string, (list, tuple)) else [translated.string]
        for form in forms:
            if _places(form) not in wanted and not (message.pluralizable and _places(form) <= wanted[-1]):
                found.append(f"{language}: other places than its source: {key} → {form}")
    return found


def _filled(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, (list, tuple)) else bool(message.string)


def _places(text: str) -> set[str]:
    return {name for _lit, name, _spec, _conv in string.Formatter().parse(text) if name}


def main(arguments: Iterable[str]) -> int:
    """Update all catalogues, or check them."""
    source = collect()
    if "--check" in set(arguments):
        found = [p for language in LANGUAGES for p in problems(language, source)]
        print("\n".join(found) or f"{len(source)} messages, all translated")
        return 1 if found else 0
    for language in LANGUAGES:
        path = file_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(update(language, source))
        print(f"{language}: {len(problems(language, source))} of {len(source)} messages to translate")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
