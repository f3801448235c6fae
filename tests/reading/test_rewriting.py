"""Source files written again against a slow version with the csv module: which records stay, and that all else is byte for byte."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from cx_metrics.errors import FileProblem, MappingProblem
from cx_metrics.reading import (
    FileMapping,
    RawFile,
    Rewritten,
    blocks,
    open_raw,
    pseudonym,
    read_batches,
    rewrite,
    standing,
)
from cx_metrics.reading.rewriting import LISTED

TOUCHED = FileMapping("touchpoints", {"customer_id": "id", "touchpoint": "page"})


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def written(content: str | bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def erased(path: Path, *who: str, mapping: FileMapping = TOUCHED) -> tuple[bytes, Rewritten]:
    """The file without the records of these customers."""
    out = path.with_name(f"{path.name}_out")
    out.unlink(missing_ok=True)
    done = rewrite(open_raw(path, "upload.csv"), mapping, out, lambda _id: None, who)
    return out.read_bytes(), done


def renamed(path: Path, change: Callable[[str], str | None]) -> tuple[bytes, Rewritten]:
    out = path.with_name(f"{path.name}_out")
    out.unlink(missing_ok=True)
    done = rewrite(open_raw(path, "upload.csv"), TOUCHED, out, change)
    return out.read_bytes(), done


def opened(path: Path, names: list[str], delimiter: str = ",") -> RawFile:
    """The file, where it is recognised as it was meant."""
    try:
        raw = open_raw(path, "upload.csv")
    except FileProblem:
        reject()
    assume((raw.delimiter, raw.header) == (delimiter, tuple(names)))
    return raw


# The slow version


def one_by_one(text: str, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Each record as it is written, and its cells; for text without broken quotation."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    for cells in csv.reader(lines(), delimiter=delimiter, strict=True):
        yield "".join(taken), cells
        taken.clear()


def stands(who: Collection[str], text: str) -> bool:
    """Whether one of the ids stands in a text with no letter or digit going on at its ends."""
    for one in who:
        left = r"(?<![^\W_])" if one[0].isalnum() else ""
        right = r"(?![^\W_])" if one[-1].isalnum() else ""
        if re.search(left + re.escape(one) + right, text):
            return True
    return False


@dataclass
class Slow:
    text: str = ""
    done: Rewritten = Rewritten()


def slowly(header: str, body: str, delimiter: str, width: int, place: int, who: Collection[str]) -> Slow:
    kept, records, left_out, unreadable, mentioned, row, follows = [header], 0, 0, 0, [], 2, False
    for written, cells in one_by_one(body, delimiter):
        if not "".join(cells).strip() and len(cells) < 2:
            kept.append(written)
            row += 1
            continue
        records += 1
        if len(cells) != width:
            follows = follows or stands(who, written) or stands(who, written.replace('""', '"'))
            if follows:
                unreadable += 1
                continue
            kept.append(written)
        elif cells[place].strip() in who:
            follows = True
            left_out += 1
            continue
        else:
            follows = False
            kept.append(written)
            if any(stands(who, cell) for n, cell in enumerate(cells) if n != place):
                mentioned.append(row)
        row += 1
    done = Rewritten(records, left_out, unreadable, 0, len(mentioned), tuple(mentioned[:LISTED]))
    return Slow("".join(kept), done)


IDS = ("a", "b1", "a-1", "a 1", 'o"c', "é", "12", "-", "خرید")
CELLS = st.one_of(
    st.sampled_from([*IDS, *(f" {i} " for i in IDS), *(f"x {i}, y" for i in IDS), *(f"{i}0" for i in IDS), ""]),
    st.text(st.sampled_from('ab1é;, "\n\r|\t'), max_size=6),
)
ROWS = st.lists(
    st.one_of(
        st.lists(CELLS, min_size=3, max_size=3),
        st.lists(CELLS, min_size=3, max_size=3),
        st.lists(CELLS, min_size=3, max_size=3),
        st.lists(CELLS, max_size=5),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(
    rows=ROWS,
    who=st.sets(st.sampled_from(IDS), min_size=1, max_size=3),
    place=st.integers(0, 2),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    cut_short=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]),
    packed=st.booleans(),
    said=st.booleans(),
    block=st.sampled_from([16, 64, 1024]),
    few=st.sampled_from([(16, 64), (0, 64), (0, 0)]),
)
def test_rewriting_says_what_a_slow_reading_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], who: set[str], place: int, delimiter: str, ending: str,
    quoting: int, cut_short: bool, encoding: str, packed: bool, said: bool, block: int, few: tuple[int, int],
) -> None:  # fmt: skip
    names = ["n", "page"]
    names.insert(place, "id")
    body = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if ending == "\r" else quoting  # the writer leaves other line ends bare
    csv.writer(body, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerows([*rows, ["z", "z", "z"]])
    text = body.getvalue()[: -len(ending)] if cut_short else body.getvalue()
    header = (f"sep={delimiter}{ending}" if said else "") + delimiter.join(names) + ending
    wanted = slowly(header, text, delimiter, 3, place, who)
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    content, expected = ((mark + t.encode(encoding)) for t in (header + text, wanted.text))
    path = tmp_path_factory.mktemp("again") / "upload"
    path.write_bytes(gzip.compress(content) if packed else content)
    opened(path, names, delimiter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        patch.setattr(standing, "FEW", few[0])
        patch.setattr(standing, "FOUND", few[1])
        found, done = erased(path, *who)
    assert (gzip.decompress(found) if packed else found) == expected
    assert done == wanted.done


def rows_of(path: Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows that importing loads, and those it sets aside."""
    rows, problems = [], []
    for batch, _numbers, broken in read_batches(open_raw(path, "upload.csv")):
        rows += list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        problems += [str(problem.found) for problem in broken]
    return rows, problems


WHOLE = ("a,x", "b1,y", "é,a", " a ,b1", "é,x", "a,x,", '"a",x', '"é","a,b"', 'é,a"b', "a")
LINES = st.lists(
    st.one_of(st.sampled_from(WHOLE), st.text(st.sampled_from('ab1, "é\r\udcff\x1f'), max_size=10)), max_size=8
)


@settings(deadline=None, max_examples=150)
@given(lines=LINES, block=st.sampled_from([16, 1024]))
def test_of_any_text_importing_loads_the_rows_of_all_others(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], block: int
) -> None:
    text = "id,page\n" + "".join(line + "\n" for line in lines) + "z,z\n" * 900  # so that few lines are damaged
    path = tmp_path_factory.mktemp("any") / "upload"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    before, problems = rows_of(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        found, done = erased(path, "a", "b1")
    out = path.with_name("upload_out")
    every = iter(path.read_bytes())
    assert all(byte in every for byte in found.removeprefix(codecs.BOM_UTF8))  # in the same order
    assume(not any('"' in problem for problem in problems))  # a broken quotation is read with what follows it
    after, still = rows_of(out)
    assert after == [row for row in before if row[0].strip() not in ("a", "b1")]
    assert len(problems) - len(still) == done.unreadable
    assert len(before) - len(after) == done.left_out
    assert not any(stands(("a", "b1"), problem) for problem in still)


# By hand


def test_what_stays_is_byte_for_byte_as_it_was(write: Callable[..., Path]) -> None:
    content = 'sep=;\r\n"id";page;note\r\nu1;"a";x\r\n\r\n"u2" ;b;"two\nlines"\nu3;c;"say ""u1"""\r\n u1 ;d;\nu4;e;'
    content = content.replace('"u2" ', '"u2"')
    found, done = erased(write(content), "u1")
    assert found.decode() == 'sep=;\r\n"id";page;note\r\n\r\n"u2";b;"two\nlines"\nu3;c;"say ""u1"""\r\nu4;e;'
    assert done == Rewritten(5, left_out=2, mentions=1, mention_rows=(4,))


def test_another_id_takes_the_place_of_the_cell_alone(write: Callable[..., Path]) -> None:
    content = 'page,id,n\r\n"a,b", u1 ,1\r\nb,"u2",2\nc,"o""c",3\r\nd,,4\ne,u1,5'
    news = {"u1": "x,y", "u2": 'q"', 'o"c': "plain"}
    found, done = renamed(write(content), lambda who: news[who])
    assert found.decode() == 'page,id,n\r\n"a,b","x,y",1\r\nb,"q""",2\nc,"plain",3\r\nd,,4\ne,"x,y",5'
    assert (done.records, done.changed, done.left_out) == (5, 4, 0)


@settings(deadline=None, max_examples=100)
@given(rows=ROWS, place=st.integers(0, 2), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_other_ids_are_what_the_csv_module_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], place: int, quoting: int
) -> None:
    names = ["n", "page"]
    names.insert(place, "id")
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows([names, *rows, ["z", "z", "z"]])
    path = tmp_path_factory.mktemp("renamed") / "upload"
    path.write_bytes(text.getvalue().encode())
    opened(path, names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 64)
        found, done = renamed(path, lambda who: f'new,"{who}"')
    good = [row for row in [*rows, ["z", "z", "z"]] if len(row) == 3]
    wanted = [
        [f'new,"{cell.strip()}"' if n == place and cell.strip() else cell for n, cell in enumerate(row)] for row in good
    ]
    again = list(csv.reader(io.StringIO(found.decode(), newline="")))
    assert [row for row in again[1:] if "".join(row).strip() or len(row) > 1] == wanted
    assert done.changed == sum(bool(row[place].strip()) for row in good)
    assert done.unreadable == sum(len(row) != 3 and (len(row) > 1 or bool("".join(row).strip())) for row in rows)


def test_an_id_is_what_importing_takes_it_for(write: Callable[..., Path]) -> None:
    # Spaces of any kind around an id are no part of it; inside it, and in case, they are.
    content = "id,page\n\u00a0u1\u2003,a\nU1,b\nu 1,c\nu1\u200b,d\n\tu1,e\n"
    found, _done = erased(write(content), "u1")
    assert found.decode() == "id,page\nU1,b\nu 1,c\nu1\u200b,d\n"


def test_rows_that_are_no_rows_go_where_the_id_stands_in_them(write: Callable[..., Path]) -> None:
    lines = [
        "u2,a,1,too many", "u1,a,1,too many", "x,y,u1,z", "only u1 here", "u2,a,1", "u2,u1x,1,u10", '"u1,a,1', "u3,a,2",
        "u1,a,3", "the rest of a comment", "", "of two paragraphs", "u3,a,4", "nobody knows", "u4,a\udcff,5", "u1,a\udcff,6",
    ]  # fmt: skip
    lines += ["u5,a,7"] * 300
    content = "\n".join(["id,page,n", *lines, ""]).encode("utf-8", "surrogateescape")
    found, done = erased(write(content), "u1")
    gone = {1, 2, 3, 6, 8, 9, 11, 15}
    wanted = [line for n, line in enumerate(lines) if n not in gone]
    assert found.startswith(
        codecs.BOM_UTF8
    )  # however few lines are left, those that are no text do not make it another encoding
    assert found[3:] == "\n".join(["id,page,n", *wanted, ""]).encode("utf-8", "surrogateescape")
    assert (done.left_out, done.unreadable) == (1, 7)


def test_without_a_list_of_ids_rows_that_are_no_rows_go(write: Callable[..., Path]) -> None:
    content = 'id,page\nu1,a\nu2,b,c\n"u3,c\nu4,d\n'
    found, done = renamed(write(content), str.upper)
    assert found.decode() == "id,page\nU1,a\nU4,d\n"
    assert (done.records, done.changed, done.unreadable) == (4, 2, 2)


def test_mentions_are_counted_where_the_id_is_a_whole_word(write: Callable[..., Path]) -> None:
    body = ["u2,about 12 of us", "u3,4123", "u4,ref=12;", "u5,12a", "12,mine", "u6,x_12_y"]
    found, done = erased(write("id,page\n" + "\n".join(body) + "\n"), "12")
    assert found.decode() == "id,page\n" + "\n".join(b for b in body if not b.startswith("12,")) + "\n"
    assert (done.left_out, done.mentions, done.mention_rows) == (1, 3, (2, 4, 6))


def test_only_the_first_mentions_are_listed(write: Callable[..., Path]) -> None:
    _found, done = erased(write("id,page\nu1,a\n" + "u2,see u1\n" * 100), "u1")
    assert (done.mentions, done.mention_rows) == (100, tuple(range(2, 2 + LISTED)))


def test_survey_and_customer_files_are_rewritten_alike(write: Callable[..., Path]) -> None:
    surveys = FileMapping("surveys", {"customer_id": "who", "score": "nps"})
    found, _done = erased(write("nps,who\n9,u1\n8,\n7,u2\n"), "u1", mapping=surveys)
    assert found.decode() == "nps,who\n8,\n7,u2\n"
    customers = FileMapping("customers", {"customer_id": "who"}, attributes=("mail",))
    found, _done = erased(write("who,mail\nu1,u1@x\nu2,u2@x\n"), "u1", mapping=customers)
    assert found.decode() == "who,mail\nu2,u2@x\n"


@pytest.mark.parametrize("packed", [False, True])
def test_a_table_without_customers_is_copied(packed: bool, write: Callable[..., Path]) -> None:
    content = b"day,channel,cost\n2026-01-01,web,1\n2026-01-02,mail to u1,2\nu1\n"
    path = write(gzip.compress(content, mtime=77) if packed else content)
    spend = FileMapping("spend", {"period_start": "day", "channel": "channel", "cost": "cost"})
    found, done = erased(path, "u1", mapping=spend)
    assert found == path.read_bytes()
    assert done == Rewritten(3, mentions=2, mention_rows=(3, 4))


def test_an_archive_in_which_nothing_changes_stays_as_it_is(write: Callable[..., Path]) -> None:
    path = write(gzip.compress(b"id,page\nu2,a\n", 9, mtime=77))
    assert erased(path, "u1")[0] == path.read_bytes()


def test_a_new_archive_names_no_time_and_no_file(write: Callable[..., Path]) -> None:
    path = write(gzip.compress(b"id,page\nu1,a\nu2,a\n", mtime=77))
    found, _done = erased(path, "u1")
    assert found == erased(path, "u1")[0]
    assert found[3:8] == b"\0" * 5  # flags, time (RFC 1952, section 2.3)
    assert gzip.decompress(found) == b"id,page\nu2,a\n"


def test_each_id_of_a_block_is_asked_for_once(write: Callable[..., Path]) -> None:
    asked: list[str] = []

    def change(who: str) -> str:
        asked.append(who)
        return who

    content = "id,page\n" + "u1,a\nu2,b\n" * 500
    found, done = renamed(write(content), change)
    assert (asked, found.decode(), done.changed) == (["u1", "u2"], content, 0)


def test_what_is_there_already_is_not_written_over(write: Callable[..., Path], tmp_path: Path) -> None:
    path, out = write("id,page\nu1,a\n"), tmp_path / "out"
    out.write_bytes(b"kept")
    with pytest.raises(FileExistsError):
        rewrite(open_raw(path, "f"), TOUCHED, out, str, ["u1"])
    assert out.read_bytes() == b"kept"


def test_a_failure_leaves_no_file_behind(write: Callable[..., Path], tmp_path: Path) -> None:
    rows = "".join(f"u{n},{hashlib.sha256(str(n).encode()).hexdigest()}\n" for n in range(50_000))
    path = write(gzip.compress(f"id,page\n{rows}".encode()))
    raw = open_raw(path, "upload.csv")
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(FileProblem, match="damaged gzip"):
        rewrite(raw, TOUCHED, tmp_path / "out", str, ["u1"])
    wrong = FileMapping("touchpoints", {"customer_id": "who", "touchpoint": "page"})
    with pytest.raises(MappingProblem, match="no column"):
        rewrite(open_raw(write("id,page\nu1,a\n"), "f"), wrong, tmp_path / "out", str, ["u1"])
    assert not (tmp_path / "out").exists()


def test_a_pseudonym_is_the_hmac_of_rfc_2104() -> None:
    # By its definition: H(K xor opad, H(K xor ipad, text)), B = 64; the hash itself is that of hashlib. Test case 1 of
    # RFC 4231 (key 20 bytes of 0b, "Hi There") vouches for this definition.
    def by_definition(key: bytes, text: bytes) -> str:
        padded = key.ljust(64, b"\0")
        inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + text).digest()
        return hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner).hexdigest()

    published = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert by_definition(b"\x0b" * 20, b"Hi There") == published
    key = bytes(range(32))
    for who in ("u1", "عميل", "o'clock"):
        assert pseudonym(key, who) == by_definition(key, b"touchline customer id\0" + who.encode())[:32]
    assert pseudonym(key, "u1") != pseudonym(key[::-1], "u1")
    with pytest.raises(ValueError, match="32 bytes"):
        pseudonym(b"short", "u1")


def test_pseudonyms_take_the_place_of_ids_in_a_file(write: Callable[..., Path]) -> None:
    key = b"k" * 32
    found, _done = renamed(write("id,page\n u1 ,a\nu2,b\nu1,c\n"), lambda who: pseudonym(key, who))
    one, two = pseudonym(key, "u1"), pseudonym(key, "u2")
    assert found.decode() == f"id,page\n{one},a\n{two},b\n{one},c\n"


def test_a_blank_id_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="blank"):
        renamed(write("id,page\nu1,a\n"), lambda _who: "")
