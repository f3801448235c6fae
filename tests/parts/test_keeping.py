"""Answers are kept for all readers: asked once, as copies, within their bytes; nothing stays of what failed or was forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from pages.parts import keeping
from pages.parts.keeping import Answers


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    made = Answers(most_bytes=20_000)
    monkeypatch.setattr(keeping, "ANSWERS", made)
    return made


def frame(rows: int = 3) -> pd.DataFrame:
    return pd.DataFrame({"n": range(rows)})


def test_nobody_changes_what_others_read(answers: Answers) -> None:
    first = answers.get("k", frame)
    first["n"] = 7
    second = answers.get("k", lambda: pytest.fail("asked again"))
    second.loc[0, "n"] = 9
    assert answers.get("k", frame)["n"].tolist() == [0, 1, 2]


def test_nor_what_stands_beside_the_rows(answers: Answers) -> None:
    def ask() -> tuple[pd.DataFrame, dict[str, object]]:
        return frame(), {"options": {"trim": 10}, "views": [1, 2]}

    rows, told = answers.get("k", ask)
    told["options"]["trim"] = 11
    told["views"].append(3)
    del rows["n"]
    again, said = answers.get("k", ask)
    assert said == {"options": {"trim": 10}, "views": [1, 2]}
    assert list(again) == ["n"]


def test_nothing_is_an_answer_too(answers: Answers) -> None:
    assert answers.get("k", lambda: None) is None
    assert answers.get("k", lambda: pytest.fail("asked again")) is None


def test_what_was_asked_for_last_stays_within_the_bytes(answers: Answers) -> None:
    for key in "abc":
        answers.get(key, lambda: b"x" * 6_000)
    answers.get("a", lambda: pytest.fail("asked again"))
    answers.get("d", lambda: b"y" * 6_000)  # the fourth does not fit: b was asked for longest ago
    assert answers.bytes <= answers.most_bytes
    answers.get("a", lambda: pytest.fail("asked again"))
    assert answers.get("b", lambda: b"anew") == b"anew"


def test_what_is_larger_than_all_room_is_not_kept_and_drives_nothing_out(answers: Answers) -> None:
    answers.get("small", frame)
    assert len(answers.get("large", lambda: b"x" * 30_000)) == 30_000
    assert answers.get("large", lambda: b"anew") == b"anew"
    answers.get("small", lambda: pytest.fail("asked again"))


def test_those_who_ask_at_once_get_one_answer(answers: Answers) -> None:
    asked, everybody = [], threading.Barrier(8)

    def ask() -> pd.DataFrame:
        asked.append(threading.get_ident())
        return frame()

    def reader(_number: int) -> list[int]:
        everybody.wait(timeout=20)
        return list(answers.get("k", ask)["n"])

    with ThreadPoolExecutor(8) as readers:
        found = list(readers.map(reader, range(8)))
    assert found == [[0, 1, 2]] * 8
    assert len(asked) == 1
    assert answers._asking == {}


def test_where_one_fails_the_next_one_asks(answers: Answers) -> None:
    begun, fail = threading.Event(), threading.Event()

    def failing() -> None:
        begun.set()
        assert fail.wait(20)
        raise ValueError("gave up")

    with ThreadPoolExecutor(2) as readers:
        first = readers.submit(answers.get, "k", failing)
        assert begun.wait(20)
        second = readers.submit(answers.get, "k", lambda: "found")
        fail.set()
        with pytest.raises(ValueError, match="gave up"):
            first.result(20)
        assert second.result(20) == "found"
    assert answers._asking == {}
    assert answers.get("k", lambda: pytest.fail("asked again")) == "found"


def test_an_answer_that_is_under_way_when_all_is_forgotten_is_not_kept(answers: Answers) -> None:
    def ask() -> str:
        answers.forget()  # an erasure, say
        return "of before"

    assert answers.get("k", ask) == "of before"
    assert answers.get("k", lambda: "of now") == "of now"
    assert answers.bytes == keeping.size("of now")


def test_a_question_is_told_apart_by_what_counts(answers: Answers) -> None:
    asked: list[tuple[object, ...]] = []

    @keeping.kept
    def question(key: str, place: object, _version: object) -> int:
        asked.append((key, place))
        return len(asked)

    assert question("a", 1, "v1") == question("a", 1, "v2") == 1
    assert question("a", True, "v") == 2  # equal to 1, and yet another question
    assert question("a", "1", "v") == 3
    assert question("a\n1", ("b",), "v") == 4
    assert question("a", ("1\nb",), "v") == 5
    assert len(answers._kept) == 5


def test_many_readers_look_up_the_columns_of_one_answer(answers: Answers) -> None:
    answers.most_bytes = 10_000_000
    names = [f"column {place}" for place in range(400)]
    wrong: list[object] = []

    def reader(everybody: threading.Barrier, key: str) -> None:
        held = answers.get(key, lambda: pd.DataFrame([range(400)] * 2, columns=names))
        everybody.wait(timeout=20)
        try:
            wrong.extend(name for place, name in enumerate(names) if held[name].iloc[0] != place)
        except KeyError as missing:
            wrong.append(missing)

    for turn in range(20):
        everybody = threading.Barrier(6)
        threads = [threading.Thread(target=reader, args=(everybody, f"{turn}")) for _reader in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert wrong == []
    shared = answers.get("0", lambda: pytest.fail("asked again"))
    assert "_engine" in shared.columns._cache  # looked up before it was shared
