"""`python -m cx_metrics preview`: what a file is taken for, said from its first megabyte, however large it is."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cx_metrics.__main__ import main
from cx_metrics.errors import FileProblem
from cx_metrics.preview import START, preview

ROOT = Path(__file__).parents[1]
HEADER = "customer_id,event,timestamp,channel\n"


def rows(first: int, count: int) -> str:
    return "".join(
        f"c{n % 977},{('visit', 'buy', 'call')[n % 3]},2026-01-{n % 28 + 1:02} 10:00:00,{('web', 'store')[n % 2]}\n"
        for n in range(first, first + count)
    )


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A gigabyte, of which all but the beginning is a hole: read to its end it would be refused for its zeros."""
    path = write(tmp_path / "large.csv", HEADER + rows(0, 60_000))
    assert path.stat().st_size > 1.5 * START
    with path.open("ab") as file:
        file.truncate(2**30)
    return path


def test_the_beginning_of_a_gigabyte_is_enough(large: Path) -> None:
    (found,) = preview(large)
    assert (found.found.table, found.whole, found.size) == ("touchpoints", False, 2**30)
    assert found.found.columns == {
        "customer_id": "customer_id", "touchpoint": "event", "occurred_at": "timestamp", "channel": "channel",
    }  # fmt: skip
    assert found.plain.raw.size <= START
    assert found.plain.raw.damaged_lines == 0
    assert found.rows[:2] == (
        ("c0", "visit", "2026-01-01 10:00:00", "web"), ("c1", "buy", "2026-01-02 10:00:00", "store"),
    )  # fmt: skip
    assert found.problem is None


def test_the_command_answers_in_words_and_as_json(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", str(large)]) == 0
    out = capsys.readouterr().out
    said = r'large\.csv: touchpoints \(9\d%\): It has the columns "customer_id", "event", "timestamp"\.\n'
    assert re.match(said, out)
    assert "UTF-8, comma, 1,024.0 MB, looked at its first 1 MB" in out
    (column,) = (line for line in out.splitlines() if line.startswith("timestamp "))
    assert re.match(r"timestamp +occurred_at +9\d% +the header ", column)
    assert "2,000 of 2,000 values in the sample are dates" in column
    assert re.search(r"^c1 +buy +2026-01-02 10:00:00  store$", out, re.MULTILINE)
    assert main(["preview", str(large), "--json", "--table", "customers"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["table"], told["bytes"], told["whole"], told["delimiter"]) == ("customers", 2**30, False, ",")
    assert {c["column"]: c["field"] for c in told["columns"]}["customer_id"] == "customer_id"
    assert told["first_rows"][0] == ["c0", "visit", "2026-01-01 10:00:00", "web"]


def test_what_a_person_must_say_is_asked_with_its_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "customer_id,event,timestamp\n" + "".join(f"c{n},visit,0{n % 9 + 1}/05/2026\n" for n in (3, 1, 2, 8, 4))
    assert main(["preview", str(write(tmp_path / "dates.csv", text))]) == 0
    out = capsys.readouterr().out
    assert "looked at all of it" in out
    asked = out[out.index("\n? ") :]
    assert "  * day/month/year, as 31/01/2026" in asked
    assert "    month/day/year, as 01/31/2026" in asked


def test_a_file_that_cannot_be_imported_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "notes.csv", "one,two\nx,y\n" * 3)
    assert main(["preview", str(path), "--table", "touchpoints", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert "customer" in told["refused"]
    assert main(["preview", str(tmp_path / "missing.csv")]) == 2
    assert "There is no file" in capsys.readouterr().err
    (tmp_path / "page.csv").write_text("<!doctype html><html></html>")
    with pytest.raises(FileProblem, match="web page"):
        preview(tmp_path / "page.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8", "cp1251"])
def test_the_beginning_ends_with_a_whole_line_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    """The last line is cut off before it is looked at: no row of the beginning is ragged, no byte half a letter."""
    text = HEADER.replace("event", "событие") + rows(0, 60_000).replace("visit", "просмотр страницы")
    (found,) = preview(write(tmp_path / "upload.csv", text, encoding))
    assert not found.whole
    assert found.rows[0][1] == "просмотр страницы"
    assert found.plain.raw.damaged_lines == 0
    assert START * 0.99 < found.plain.raw.size <= START


def test_a_packed_file_is_unpacked_to_its_first_megabyte(tmp_path: Path) -> None:
    path = tmp_path / "upload.csv.gz"
    path.write_bytes(gzip.compress((HEADER + rows(0, 200_000)).encode())[:-2_000])  # its end never arrives
    (found,) = preview(path)
    assert (found.found.table, found.whole) == ("touchpoints", False)


def test_several_tables_of_one_file_are_shown_each(tmp_path: Path) -> None:
    text = "Contacts\n" + HEADER + rows(0, 30) + "\nCosts\nperiod_start,channel,cost\n" + "2026-01-01,web,40\n" * 10
    found = preview(write(tmp_path / "report.csv", text))
    assert [one.found.table for one in found] == ["touchpoints", "spend"]


def test_a_preview_starts_without_what_imports_need(large: Path) -> None:
    """Most of the time of a preview is that of starting."""
    program = (
        "import sys\nfrom cx_metrics.__main__ import main\n"
        f"status = main(['preview', {str(large)!r}, '--json'])\n"
        "heavy = sorted({'sqlalchemy', 'cx_metrics.importing', 'streamlit'} & set(sys.modules))\n"
        "print(status, heavy, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stderr.splitlines()[-1] == "0 []"
    assert json.loads(done.stdout)[0]["table"] == "touchpoints"
