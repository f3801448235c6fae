"""Comments are read once, when files come in: nothing is lost on the way, and what was read stands beside each answer."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import cx_metrics as cx
from cx_metrics import hearing, importing
from cx_metrics.comments.theme_edits import ThemeEdit
from cx_metrics.engines import open_store
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.tables import HEARD
from cx_metrics.view import View
from cx_metrics.workspace import Workspace
from cx_metrics.workspace.facts import facts_from_dict, facts_to_dict

THINGS = {
    "delivery": ("courier", "parcel", "doorstep", "delivery", "van"),
    "checkout": ("payment", "card", "basket", "checkout", "invoice"),
    "staff": ("cashier", "assistant", "advice", "staff", "service"),
}
FEELINGS = {9: ("wonderful", "great", "love"), 2: ("awful", "terrible", "broken")}


def written(count: int = 240) -> list[dict[str, str]]:
    """Answers with comments about three things, glad ones with high scores; every twelfth says nothing."""
    rows = []
    for i in range(count):
        about = list(THINGS.values())[i % 3]
        score = 9 if (i // 3) % 2 else 2
        feeling = FEELINGS[score]
        words = [about[(i + k) % 5] for k in (0, 1, 3)]
        said = f"{feeling[i % 3]} {words[0]} and {words[1]} {feeling[(i + 1) % 3]} {words[2]} number {i}"
        rows.append({"response_id": f"r{i}", "customer_id": f"u{i}", "survey_type": "nps", "score": str(score),
                     "comment": "" if i % 12 == 11 else said})  # fmt: skip
    return rows


def save(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_every_answer_comes_in_with_what_its_words_say(tmp_path: Path) -> None:
    rows = written()
    store = cx.open_files(surveys=str(save(tmp_path / "answers.csv", rows)))
    frame = store.fetch(store.tables["surveys"]).set_index("response_id")
    assert len(frame) == len(rows)
    for row in rows:
        kept = frame.loc[row["response_id"]]
        assert (kept["comment"] or "") == row["comment"] or kept.isna()["comment"] and not row["comment"]
        if not row["comment"]:
            assert kept[list(HEARD)].isna().all()
        else:
            assert kept["comment_language"] == "en"
            assert row["comment"].split()[1] in kept["comment_words"].split()


def test_a_feeling_is_learnt_from_the_scores_beside_comments(tmp_path: Path) -> None:
    rows = written(480)
    store = cx.open_files(surveys=str(save(tmp_path / "answers.csv", rows)))
    frame = store.fetch(store.tables["surveys"]).set_index("response_id")
    right = [frame.loc[r["response_id"], "sentiment"] == ("positive" if r["score"] == "9" else "negative")
             for r in rows if r["comment"]]  # fmt: skip
    assert sum(right) == len(right)  # each feeling has words of its own
    assert store.facts.heard is not None
    (english,) = store.facts.heard.languages
    assert (english.language, english.comments, english.method, english.unproven) == ("en", 440, "own", False)
    assert english.accuracy == 1.0


def test_themes_part_the_comments_as_their_things_do(tmp_path: Path) -> None:
    rows = written(480)
    store = cx.open_files(surveys=str(save(tmp_path / "answers.csv", rows)))
    frame = store.fetch(store.tables["surveys"]).set_index("response_id")
    found = Counter(
        (next(name for name, words in THINGS.items() if r["comment"].split()[1] in words), frame.loc[r["response_id"], "theme"])
        for r in rows if r["comment"]
    )  # fmt: skip
    most = [max((n, str(theme)) for (thing, theme), n in found.items() if thing == name) for name in THINGS]
    assert len({theme for _n, theme in most}) == 3
    counted = cx.run("themes", store).frame
    assert counted["comments"].sum() == 440
    assert store.facts.heard is not None
    assert {theme.name for theme in store.facts.heard.themes} == set(counted["theme"].dropna())


def test_names_that_people_gave_to_themes_hold_for_the_next_import(tmp_path: Path) -> None:
    path = save(tmp_path / "answers.csv", written(480))
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("shop")
    first = importing.import_version(workspace, dataset, Plan((ImportFile(path, path.name),)))
    assert first.facts.heard is not None
    named, hidden = first.facts.heard.themes[:2]
    edits = (
        ThemeEdit(named.language, named.terms, name="What we are called for"),
        ThemeEdit(hidden.language, hidden.terms, hidden=True),
    )
    plan = replace(importing.plan_of(workspace, first), themes=edits)
    second = importing.import_version(workspace, dataset, plan)
    assert importing.plan_of(workspace, second).themes == edits
    assert second.facts.heard is not None
    names = {theme.name for theme in second.facts.heard.themes if not theme.hidden}
    assert "What we are called for" in names
    assert hidden.name not in names
    assert named.name not in names


def test_comments_that_share_hardly_a_word_come_in(tmp_path: Path) -> None:
    """A theme of one term has no pair of terms that could stand together."""
    for things in (("courier",), ("courier", "checkout"), ("courier", "checkout", "staff")):
        said = [f"the {things[i % len(things)]} was so so {'x' * (i % 3)} {i}" for i in range(300)]
        rows = [row | {"comment": words} for row, words in zip(written(300), said, strict=True)]
        store = cx.open_files(surveys=str(save(tmp_path / "answers.csv", rows)))
        assert cx.run("themes", store).frame["comments"].sum() == 300
        assert store.facts.heard is not None
        assert facts_from_dict(facts_to_dict(store.facts)) == store.facts


def test_what_was_heard_survives_the_manifest(tmp_path: Path) -> None:
    store = cx.open_files(surveys=str(save(tmp_path / "answers.csv", written())))
    assert store.facts.heard is not None
    assert facts_from_dict(facts_to_dict(store.facts)) == store.facts


def test_answers_without_words_come_in_as_before(tmp_path: Path) -> None:
    rows = [{"response_id": f"r{i}", "survey_type": "nps", "score": "9"} for i in range(5)]
    store = cx.open_files(surveys=str(save(tmp_path / "answers.csv", rows)))
    assert cx.run("nps", store, View()).frame["responses"].tolist() == [5]
    assert cx.run("sentiment", store).frame["comments"].tolist() == [0]


def test_columns_of_a_file_with_our_names_are_kept_beside_ours(tmp_path: Path) -> None:
    rows = [row | {"sentiment": "as the file says", "theme": "mine"} for row in written(24)]
    store = cx.open_files(surveys=str(save(tmp_path / "answers.csv", rows)))
    frame = store.fetch(store.tables["surveys"])
    own = [c for c in frame.columns if frame[c].astype(str).eq("as the file says").all()]
    assert len(own) == 1
    assert own != ["sentiment"]


def test_newer_uploads_replace_answers_and_their_readings(tmp_path: Path) -> None:
    path = save(tmp_path / "answers.csv", written(24))
    newer = save(tmp_path / "newer.csv", [row | {"comment": "checkout was awful"} for row in written(3)])
    plan = Plan((ImportFile(path, path.name),)).with_files((ImportFile(newer, newer.name),))
    store, _reports = importing.load(plan)
    frame = store.fetch(store.tables["surveys"]).set_index("response_id")
    assert len(frame) == 24
    assert frame.loc[["r0", "r1", "r2"], "comment_words"].tolist() == [" checkout was awful "] * 3


def test_a_fault_while_comments_are_read_stops_no_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores and comments come in, what was made of them does not; the page says so, and the log where it failed."""

    def broken(comments: Sequence[str], *_others: object, **_more: object) -> None:
        raise IndexError(comments[0])

    rows = written(240)
    path = save(tmp_path / "answers.csv", rows)
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("shop")
    with monkeypatch.context() as patched:
        patched.setattr(hearing, "find_themes", broken)
        version = importing.import_version(workspace, dataset, Plan((ImportFile(path, path.name),)))
    assert version.facts.heard is None and version.manifest["comments_not_read"] is True
    store = open_store(version.path, version.facts)
    frame = store.fetch(store.tables["surveys"]).set_index("response_id")
    assert frame["comment"].fillna("").to_dict() == {row["response_id"]: row["comment"] for row in rows}
    assert frame[list(HEARD)].isna().all().all()
    assert cx.run("nps", store).frame["responses"].tolist() == [240]
    said = capsys.readouterr().err
    assert '"event": "comments_not_read"' in said and "IndexError" in said and "test_hearing.py" in said
    assert rows[0]["comment"] not in said

    monkeypatch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
    st.cache_resource.clear()
    page = AppTest.from_file(str(Path(__file__).parents[1] / "app.py"), default_timeout=60)
    page.query_params["ds"] = dataset
    page.query_params["lang"] = "en"
    page.run()
    page.switch_page("pages/start/data.py").run()
    assert not page.exception
    assert any("Reading the comments failed" in str(shown.proto.body) for shown in page.get("html"))
    st.cache_resource.clear()
    again = importing.import_version(workspace, dataset, importing.plan_of(workspace, version))
    assert again.facts.heard is not None and again.manifest["comments_not_read"] is False
