"""`python -m cx_metrics`: every metric of the registry from files, and every mistake answered with the nearest right word."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cx_metrics.__main__ import main
from cx_metrics.registry import METRICS
from cx_metrics.tables import TABLES

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "cx_metrics"]
TOUCHPOINTS = """customer_id,occurred_at,touchpoint,channel,stage,value,persona
u1,2026-01-05T09:00:00Z,Online ad,ads,awareness,,Saver
u1,2026-01-05T09:05:00Z,Website,web,consideration,,Saver
u1,2026-01-05T09:10:00Z,Purchase,web,action,20,Saver
u2,2026-01-05T10:00:00Z,Website,app,consideration,,Family
u2,2026-01-25T10:00:00Z,Purchase,app,action,30,Family
u3,2026-01-05T11:00:00Z,Online ad,ads,awareness,,Saver
"""
SURVEYS = """customer_id,answered_at,survey_type,score,touchpoint,comment
u1,2026-01-06T09:00:00Z,nps,10,Purchase,The checkout was quick and easy
u2,2026-01-06T09:00:00Z,nps,3,Website,
u1,2026-01-06T09:00:00Z,csat,5,Purchase,
u1,2026-01-06T09:00:00Z,ces,6,Purchase,
"""
SPEND = "period_start,period_end,channel,cost,currency\n2026-01-01,2026-02-01,ads,40,EUR\n"
CUSTOMERS = "customer_id,persona,region\nu1,Saver,north\nu2,Family,south\nu3,Saver,south\n"
INVITATIONS = (
    "customer_id,sent date,invitation status\nu1,2026-01-05,completed\nu2,2026-01-05,sent\nu3,2026-01-05,bounced\n"
)

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def pipes_as_they_were() -> Iterator[None]:
    """`main` lets the process end when nobody reads on; the test process should not."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command in a folder with the small files; its exit status and what it wrote to stdout and stderr."""
    texts = {
        "touchpoints": TOUCHPOINTS,
        "surveys": SURVEYS,
        "spend": SPEND,
        "customers": CUSTOMERS,
        "invitations": INVITATIONS,
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        return status, *capsys.readouterr()

    return run


def given(metric: str) -> list[str]:
    """The files that a metric takes, and its required options."""
    tables = [*METRICS[metric].inputs, *METRICS[metric].optional_inputs]
    tables = ["touchpoints" if table == "paths" else table for table in tables if table in (*TABLES, "paths")]
    files = [part for table in tables for part in (f"--{table}", f"{table}.csv")]
    asked = {"min_support": "0", "drivers": "touchpoint", "min_per_driver": "0"}
    asked |= {"column": "touchpoint", "first": "Purchase"}
    asked |= {"steps": "Website,Purchase"} if METRICS[metric].walk else {}
    options = [part for o in METRICS[metric].options if o.name in asked for part in (o.flag, asked[o.name])]
    return [metric, *files, *options]


# Answers


def test_list_names_every_metric_with_its_question(say: Say) -> None:
    status, out, err = say("list")
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()}
    assert (status, err) == (0, "")
    assert shown == {name: metric.question for name, metric in METRICS.items()}


def test_list_as_json_names_units_denominators_and_options(say: Say) -> None:
    _status, out, _err = say("list", "--json")
    listed = {row["metric"]: row for row in json.loads(out)}
    assert set(listed) == set(METRICS)
    assert all(row["unit"] and row["denominator"] and row["question"] for row in listed.values())
    assert listed["funnel"]["options"] == {
        "--steps": None, "--window": "14d", "--order": "ordered", "--entry": "every_entry", "--equal-times": "together",
        "--repeats": "tolerated", "--exclude": "", "--span": "first_step", "--taken-from": "first_touch", "--top": "25",
    }  # fmt: skip


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_answers_with_its_definition_and_its_rows(say: Say, metric: str) -> None:
    status, out, err = say(*given(metric), "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert set(answer) == {"metric", "definition", "rows"}
    assert answer["metric"] == answer["definition"]["metric"] == metric
    assert answer["definition"]["denominator"] == METRICS[metric].denominator
    assert answer["rows"] and all(set(row) >= set(METRICS[metric].measures) for row in answer["rows"])


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_has_a_help_page_with_its_question_and_options(
    metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([metric, "--help"])
    page = capsys.readouterr().out
    assert ended.value.code == 0
    assert METRICS[metric].question in page and all(option.flag in page for option in METRICS[metric].options)


def test_without_json_the_answer_is_a_table_that_names_its_denominator_and_source(say: Say) -> None:
    status, out, _err = say(*given("conversion"))
    metric, lines = METRICS["conversion"], out.splitlines()
    assert status == 0 and lines[0].split()[:2] == ["customers", "converted"] and lines[1].split()[:2] == ["3", "2"]
    assert all(word in lines[-1] for word in (metric.title, metric.unit, metric.denominator, metric.source))


def test_conversion_counts_who_reaches_the_goal(say: Say) -> None:
    _status, out, _err = say("conversion", "--touchpoints", "touchpoints.csv", "--json")
    (row,) = json.loads(out)["rows"]  # u1 and u2 buy, u3 does not
    assert (row["customers"], row["converted"], row["conversion_rate"]) == (3, 2, 2 / 3)


def test_by_may_be_repeated(say: Say) -> None:
    _status, out, _err = say("nps", "--surveys", "surveys.csv", "--touchpoints", "touchpoints.csv", "--by", "persona",
                             "--by", "touchpoint", "--json")  # fmt: skip
    answer = json.loads(out)
    assert answer["definition"]["by"] == ["persona", "touchpoint"]
    assert [(r["persona"], r["touchpoint"], r["nps"]) for r in answer["rows"]] == [
        ("Family", "Website", -100), ("Saver", "Purchase", 100)
    ]  # fmt: skip


def test_a_file_may_be_repeated(say: Say, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("customer_id,occurred_at,touchpoint\nu9,2026-01-05T09:00:00Z,Purchase\n")
    _status, out, _err = say("conversion", "--touchpoints", "touchpoints.csv", "--touchpoints", "more.csv", "--json")
    (row,) = json.loads(out)["rows"]
    assert (row["customers"], row["converted"]) == (4, 3)


def test_options_are_flags(say: Say) -> None:
    # u1 buys 5 minutes after the website, u2 after 20 days
    reached = {}
    for window in ("4min", "5min", "20d", "unlimited"):
        _status, out, _err = say(*given("funnel"), "--window", window, "--json")
        answer = json.loads(out)
        assert answer["definition"]["options"]["window"] == window
        reached[window] = [row["customers"] for row in answer["rows"]]
    assert reached == {"4min": [2, 0], "5min": [2, 1], "20d": [2, 2], "unlimited": [2, 2]}


def test_either_or_steps_and_a_goal_of_two_touchpoints_are_read(say: Say) -> None:
    _status, out, _err = say("funnel", "--touchpoints", "touchpoints.csv", "--steps", "Website|Online ad,Purchase",
                             "--window", "unlimited", "--json")  # fmt: skip
    assert [row["customers"] for row in json.loads(out)["rows"]] == [3, 2]
    _status, out, _err = say("conversion", "--touchpoints", "touchpoints.csv", "--goal", "Purchase|Online ad", "--json")
    answer = json.loads(out)
    assert (answer["definition"]["goal"], answer["rows"][0]["converted"]) == (["Purchase", "Online ad"], 3)


def test_a_wider_confidence_gives_a_wider_interval(say: Say) -> None:
    widths = []
    for confidence in ("0.8", "0.95"):
        _status, out, _err = say("conversion", "--touchpoints", "touchpoints.csv", "--confidence", confidence, "--json")
        (row,) = json.loads(out)["rows"]
        widths.append(row["conversion_rate_high"] - row["conversion_rate_low"])
    assert widths[0] < widths[1]


def test_files_with_other_programs_headers_are_recognised(say: Say, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(
        "user_id;event;timestamp\n7;catalog;2026-01-05 09:00:00\n7;payment_done;2026-01-05 09:01:00\n"
    )
    _status, out, _err = say("transitions", "--touchpoints", "events.csv", "--json")
    (row,) = json.loads(out)["rows"]
    assert (row["touchpoint"], row["next_touchpoint"], row["transitions"], row["mean_seconds"]) == (
        "catalog",
        "payment_done",
        1,
        60,
    )


def test_rows_set_aside_are_said_on_stderr_and_stdout_stays_json(say: Say, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(TOUCHPOINTS + "u4,yesterday,Website,web,,,\n")
    status, out, err = say("conversion", "--touchpoints", "bad.csv", "--json")
    assert (status, json.loads(out)["rows"][0]["customers"]) == (0, 3)
    assert "bad.csv: 7 rows, 6 loaded, 1 set aside" in err


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "found", "nearest"),
    [
        (["npss", "--surveys", "surveys.csv"], "npss", "nps"),
        (["Funnel", "--touchpoints", "touchpoints.csv"], "Funnel", "funnel"),
        (["nps", "--surveys", "surveys.csv", "--metod", "wald"], "--metod", "--method"),
        (["nps", "--surveys", "surveys.csv", "--metod=wald"], "--metod", "--method"),
        (["nps", "--surveys", "surveys.csv", "--method", "walt"], "walt", "wald"),
        (["conversion", "--touchpoints", "touchpoints.csv", "--by", "personna"], "personna", "persona"),
        (["conversion", "--touchpoints", "touchpoints.csv", "--goal", "Purchas"], "Purchas", "Purchase"),
        (["list", "--jsn"], "--jsn", "--json"),
    ],
)
def test_a_misspelt_word_is_refused_with_the_nearest_one(
    say: Say, arguments: list[str], found: str, nearest: str
) -> None:
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("touchline: ") and found in err and re.search(rf"{re.escape(nearest)}\b", err)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "METRIC"),
        (["nps"], "There is no file to import"),
        (["nps", "--surveys", "nowhere.csv"], r"no file nowhere\.csv"),
        (["nps", "--surveys", "."], r"no file \."),
        (["nps", "--surveys", ""], "no file"),
        (["nps", "--touchpoints", "touchpoints.csv"], r"needs a.*\bsurvey"),
        (["funnel", "--touchpoints", "touchpoints.csv"], "--steps"),
        (["funnel", "--touchpoints", "touchpoints.csv", "--steps", "Website"], "2 to 12 steps; found 1"),
        (
            ["funnel", "--touchpoints", "touchpoints.csv", "--steps", "Website,Purchase", "--window", "0d"],
            "more than 0",
        ),
        (["funnel", "--touchpoints", "touchpoints.csv", "--steps", "Website,,Purchase"], "touchpoint is missing"),
        (["flow_links", "--touchpoints", "touchpoints.csv", "--steps", "three"], "three is not a whole number"),
        (["conversion", "--touchpoints", "touchpoints.csv", "--confidence", "1"], "between 0 and 1"),
        (["conversion", "--touchpoints", "touchpoints.csv", "--confidence", "high"], "--confidence"),
        (["conversion", "--touchpoints", "touchpoints.csv", "--goal", ""], "touchpoint is missing"),
        (["conversion", "--touchpoints", "spend.csv"], "customer_id"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_refused_in_words(say: Say, arguments: list[str], said: str) -> None:
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("touchline: ") and re.search(said, err), err


def test_a_step_that_nobody_reached_is_an_answer_and_said_in_case_it_is_misspelt(say: Say) -> None:
    status, out, err = say("funnel", "--touchpoints", "touchpoints.csv", "--steps", "Website,Purchas", "--json")
    assert (status, [row["customers"] for row in json.loads(out)["rows"]]) == (0, [2, 0])
    assert "No touchpoint is called Purchas. Nearest: Purchase." in err


def test_no_goal_in_the_data_says_how_to_set_one(say: Say, tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("customer_id,occurred_at,touchpoint\nu1,2026-01-05T09:00:00Z,Zzyzx\n")
    status, out, err = say("conversion", "--touchpoints", "plain.csv")
    assert (status, out) == (2, "") and "--goal" in err


# The process


def test_the_command_runs_as_a_process_and_its_answer_is_json(tmp_path: Path) -> None:
    (tmp_path / "touchpoints.csv").write_text(TOUCHPOINTS)
    asked = [*COMMAND, "transitions", "--touchpoints", str(tmp_path / "touchpoints.csv"), "--json"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0
    pairs = {(r["touchpoint"], r["next_touchpoint"]): r["transitions"] for r in json.loads(found.stdout)["rows"]}
    assert pairs == {("Online ad", "Website"): 1, ("Website", "Purchase"): 2}


def test_a_reader_who_stops_early_ends_the_command_quietly() -> None:
    found = subprocess.Popen([*COMMAND, "list", "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert found.stdout is not None and found.stderr is not None
    found.stdout.close()  # as `| head` does when it has seen enough
    assert found.stderr.read() == b""
    assert found.wait(timeout=60) == -signal.SIGPIPE


# A real file with answers of its own (retentioneering's simple shop)


@pytest.fixture
def simple_shop(test_data: Callable[[str], Path]) -> str:
    return str(test_data("simple_shop") / "simple-onlineshop.csv.gz")


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main([*arguments, "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["rows"]
    return rows


def test_the_simple_shop_has_its_known_numbers(simple_shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    moves = answered(capsys, "transitions", "--touchpoints", simple_shop)
    assert (len(moves), sum(row["transitions"] for row in moves)) == (35, 28_532)
    (row,) = answered(capsys, "conversion", "--touchpoints", simple_shop, "--goal", "payment_done")
    assert (row["customers"], row["converted"]) == (3_751, 653)
    steps = "catalog,cart,delivery_choice,payment_choice,payment_done"
    funnel = answered(capsys, "funnel", "--touchpoints", simple_shop, "--steps", steps, "--window", "unlimited")
    assert [row["customers"] for row in funnel] == [3_611, 1_924, 1_356, 958, 653]


# Views, segments, comparisons


def customers_of(answered: tuple[int, str, str]) -> int:
    status, out, _err = answered
    assert status == 0
    return int(json.loads(out)["rows"][0]["customers"])


@pytest.mark.parametrize(
    ("flags", "customers"),
    [
        ([], 3),
        (["--view", "persona=Saver"], 2),
        (["--view", "https://cx.example/flow?ds=x&lang=ar&persona=Saver&to=2026-01-05"], 2),
        (["--in", "touchpoint=Purchase"], 2),
        (["--out", "touchpoint=Purchase"], 1),
        (["--in", "touchpoint=Purchase", "--out", "answered=nps|0|6"], 1),
        (["--in", "tried=lost|2|steps=Website,Purchase|window=7d"], 1),
        (["--in", "any(persona=Family;not(touchpoint=Website))"], 2),
    ],
)
def test_a_view_and_segments_say_whom_a_metric_counts(say: Say, flags: list[str], customers: int) -> None:
    files = ["--touchpoints", "touchpoints.csv", "--surveys", "surveys.csv"]
    assert customers_of(say("conversion", *files, *flags, "--json")) == customers


def test_another_view_to_compare_with_gives_both_numbers_and_their_difference(say: Say) -> None:
    files = ["--touchpoints", "touchpoints.csv"]
    status, out, _err = say("conversion", *files, "--view", "persona=Saver", "--against", "persona=Family", "--json")
    assert status == 0
    rows = {row["measure"]: row for row in json.loads(out)["rows"]}
    rate = rows["conversion_rate"]
    assert (rate["n_a"], rate["value_a"], rate["n_b"], rate["value_b"], rate["difference"]) == (2, 0.5, 1, 1.0, -0.5)
    definition = json.loads(out)["definition"]
    assert definition["a"]["population"]["customers"] == {"persona": ["Saver"]}
    assert definition["b"]["population"]["customers"] == {"persona": ["Family"]}


@pytest.mark.parametrize(("days", "before"), [("previous", "2026-01-04"), ("2026-01-25..2026-01-25", "2026-01-25")])
def test_other_days_to_compare_with(say: Say, days: str, before: str) -> None:
    asked = ["--touchpoints", "touchpoints.csv", "--view", "from=2026-01-05&to=2026-01-05", "--compare", days, "--json"]
    status, out, _err = say("conversion", *asked)
    assert status == 0
    found = json.loads(out)
    assert found["definition"]["b"]["range"]["first_day"] == before
    customers = next(row for row in found["rows"] if row["measure"] == "customers")
    assert (customers["value_a"], customers["value_b"]) == (3, 0 if days == "previous" else 1)


def test_a_segment_that_names_what_no_row_has_is_an_answer_and_said_in_case_it_is_misspelt(say: Say) -> None:
    status, _out, err = say("conversion", "--touchpoints", "touchpoints.csv", "--in", "not(persona=Savr)")
    assert status == 0
    assert "No row has persona = Savr. Nearest: Saver." in err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--in", "persno=Saver"], "The condition persno=Saver cannot be read"),
        (["--view", "from=2026-13-01"], "The link's from cannot be read"),
        (["--compare", "previous"], "All dates have no period before them"),
        (["--compare", "tomorrow"], "The link's compare cannot be read"),
        (["--against", "persona=Family", "--compare", "previous"], "not allowed with"),
        (["--vew", "persona=Saver"], "Nearest: --view"),
    ],
)
def test_a_view_that_cannot_be_read_is_refused(say: Say, flags: list[str], said: str) -> None:
    status, _out, err = say("conversion", "--touchpoints", "touchpoints.csv", *flags)
    assert status == 2
    assert said in err
