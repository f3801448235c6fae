"""Files told to be wide by their headers and values, and what a page must ask about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cx_metrics.errors import MappingProblem
from cx_metrics.reading import (
    FileMapping,
    Question,
    RawFile,
    Recognition,
    Report,
    answered,
    default_mapping,
    open_raw,
    recognise,
)
from cx_metrics.reading.periods import period_of
from cx_metrics.reading.words import find_scale, means_no_answer

from .conftest import READERS, Upload

TestData = Callable[[str], Path]


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


def load(raw: RawFile, **answers: str) -> tuple[pa.Table, Report, FileMapping]:
    """A file as it is recognised, after these answers."""
    found = recognise(raw)
    assert Recognition.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    mapping = default_mapping(raw, found)
    for question in found.questions:
        if question.key in answers:
            mapping = answered(mapping, question, answers[question.key])
    typed = READERS[mapping.table](raw, mapping)
    return typed.to_table(), typed.report, mapping


def question(found: Recognition, key: str) -> Question:
    return next(q for q in found.questions if q.key == key)


def valid_scores(found: pa.Table, name: str) -> list[float]:
    mine = pc.and_(pc.equal(found["question"], name), pc.equal(found["score_status"], "valid"))
    scores: list[float] = found.filter(mine)["score"].to_pylist()
    return scores


# Known answers


def test_airport_survey_with_codes(test_data: TestData) -> None:
    """README: NPS n 2,746 with 1,436 promoters and 342 detractors; means and n of four questions (0 blank, 6 never used)."""
    raw = open_raw(test_data("sfo_survey/2017_SFO_Customer_Survey.csv.gz"), "sfo.csv")
    found, report, mapping = load(raw, wide="each")
    assert mapping.spread
    netpro = valid_scores(found, "NETPRO")
    assert (len(netpro), sum(s >= 9 for s in netpro), sum(s <= 6 for s in netpro)) == (2746, 1436, 342)
    for name, mean, count in (
        ("Q7ALL", 4.0644, 2688),
        ("Q9ALL", 4.276, 2736),
        ("Q14FIND", 4.4133, 2683),
        ("Q14PASSTHRU", 4.307, 2407),
    ):
        scores = valid_scores(found, name)
        assert (round(sum(scores) / len(scores), 4), len(scores)) == (mean, count), name
    top = valid_scores(found, "Q7ALL")
    assert round(sum(s >= 4 for s in top) / len(top) * 100, 2) == 82.07
    assert report.file_rows == 2831
    assert report.rows == report.loaded == 2831 * len(mapping.spread.columns)


def test_airport_survey_asks_before_it_spreads(test_data: TestData) -> None:
    found = recognise(open_raw(test_data("sfo_survey/2017_SFO_Customer_Survey.csv.gz"), "sfo.csv"))
    assert question(found, "wide").chosen == "one"
    assert {q.key for q in found.questions if q.only_if == ("wide", "each")} == {
        "no_answer:0",
        "no_answer:6",
        "no_answer:11",
    }
    assert 'Does "0" mean "not rated"?' in {str(q.text) for q in found.questions}


@pytest.mark.parametrize(
    ("year", "block", "codes"),
    [
        (2011, {"Q8A", "Q8N", "Q10F", "Q11", "Q15B"}, {"On-Time Staus of Flight", "Q7", "Q17", "Q19", "Q21"}),
        (
            2013,
            {"Q7A_ART", "Q7O_WHOLE", "Q9B_CLNAIRTRAIN", "Q14A_FIND"},
            {"Q4FOOD", "Q4WIFI", "Q22A_USESJC", "Q22B_USEOAK"},
        ),
        (2015, {"Q7ART", "Q7ALL", "Q9ALL", "Q14FIND"}, {"Q18AGE", "Q20INCOME", "Q22SJC"}),
        (2017, {"NETPRO", "Q7ALL", "Q14FIND"}, {"Q19AGE", "Q21INCOME", "Q23SJC", "Q23OAK"}),
    ],
)
def test_codes_beside_ratings_are_no_ratings(test_data: TestData, year: int, block: set[str], codes: set[str]) -> None:
    """Ages, incomes and yes or no stand as numbers beside marks from 1 to 5; nobody who presses Import averages them."""
    _found, _report, mapping = load(
        open_raw(test_data(f"sfo_survey/{year}_SFO_Customer_Survey.csv.gz"), "sfo.csv"), wide="each"
    )
    assert mapping.spread
    assert block <= set(mapping.spread.headers)
    assert not codes & set(mapping.spread.headers)
    assert codes <= set(mapping.attributes)


def test_order_table_becomes_touchpoints(test_data: TestData) -> None:
    """README: 4,000 orders; 3,994 were approved, 3,939 handed over and 3,898 delivered. The estimated date is no contact."""
    found, report, mapping = load(open_raw(test_data("olist_sample/olist_orders_dataset.csv.gz"), "orders.csv"))
    counts = {c["values"]: c["counts"] for c in found["touchpoint"].value_counts().to_pylist()}
    assert counts == {"purchase": 4000, "approved": 3994, "delivered carrier": 3939, "delivered customer": 3898}
    assert (report.file_rows, report.rows, report.empty_cells) == (
        4000,
        sum(counts.values()),
        16_000 - sum(counts.values()),
    )
    assert "order_estimated_delivery_date" in mapping.attributes
    assert mapping.columns == {"customer_id": "customer_id", "case_id": "order_id"}


def test_advertising_export_without_a_channel(test_data: TestData) -> None:
    """README: spend 58,705.23, impressions 213,434,828, clicks 38,165."""
    found, report, _ = load(open_raw(test_data("kag_facebook_ads/KAG_conversion_data.csv"), "ads.csv"))
    assert round(pc.sum(found["cost"]).as_py(), 2) == 58_705.23
    assert (pc.sum(found["impressions"]).as_py(), pc.sum(found["clicks"]).as_py()) == (213_434_828, 38_165)
    assert (set(found["channel"].to_pylist()), report.loaded) == ({"facebook"}, 1143)


def test_seat_reviews_with_part_ratings(test_data: TestData) -> None:
    """README: overall mean 4.3182 over 1,257 of 1,258; 26 rows have a date of 1970."""
    raw = open_raw(test_data("skytrax_seat/seat.csv.gz"), "seat.csv")
    found, report, _ = load(raw, wide="each")
    assert len(found["question"].unique()) >= 9
    assert (report.file_rows, {p.column for group in report.reasons for p in group.rows}) == (1258, {"date"})
    assert question(recognise(raw), "nps:overall_rating").chosen == "no"


# Questions in columns


def block_and(codes: str, *values: int) -> str:
    """Three ratings from 1 to 5 in a block, and a column of codes that come as often as said, one after the other."""
    coded = [str(code) for code, times in enumerate(values, 1) for _ in range(times)]
    rows = [f"r{i},{marks},{marks},{marks},{code}" for i, code in enumerate(coded) for marks in (min(i % 6 + 1, 5),)]
    return table(f"response id,Q1A,Q1B,Q1C,{codes}", *rows)


def test_a_column_that_may_hold_codes_is_asked_for(upload: Upload) -> None:
    """Few have the code in the middle: so lie no marks. Who says that they are marks gets them, and may take it back."""
    raw = upload(block_and("Q2", 60, 20, 70, 15, 60))
    asked = question(recognise(raw), "rated")
    assert str(asked.text) == 'Is "Q2" an answer on a scale, as the other questions are?' and asked.chosen == "no"
    mapping = default_mapping(raw, recognise(raw))
    assert mapping.spread and mapping.spread.headers == ("Q1A", "Q1B", "Q1C") and "Q2" in mapping.attributes
    rated = answered(mapping, asked, "yes")
    assert rated.spread and rated.spread.headers == ("Q1A", "Q1B", "Q1C", "Q2") and "Q2" not in rated.attributes
    assert answered(rated, asked, "no") == mapping


@pytest.mark.parametrize(
    "counts", [(5, 10, 40, 90, 60), (90, 20, 10, 30, 70), (100, 60, 40, 20, 10), (40, 45, 40, 48, 43)]
)
def test_a_column_whose_numbers_lie_as_marks_do_is_no_question(upload: Upload, counts: tuple[int, ...]) -> None:
    """One peak, two ends, a slope, and nothing but chance."""
    raw = upload(block_and("Q2", *counts))
    mapping = default_mapping(raw, recognise(raw))
    assert mapping.spread and "Q2" in mapping.spread.headers
    assert "rated" not in {asked.key for asked in recognise(raw).questions}


def test_a_question_in_words_is_believed(upload: Upload) -> None:
    raw = upload(block_and("How often did you wait?", 60, 20, 70, 15, 60))
    mapping = default_mapping(raw, recognise(raw))
    assert mapping.spread and "How often did you wait?" in mapping.spread.headers


def test_questions_in_four_languages(upload: Upload) -> None:
    rows = (f"r{i},{i % 5 + 1},{(i + 2) % 5 + 1},{i % 11}" for i in range(40))
    header = "response id,Довольны ли вы доставкой?,ما مدى رضاك عن الخدمة؟,آیا ما را به دوستان خود توصیه می‌کنید؟"
    found, _, mapping = load(upload(table(header, *rows)))
    assert mapping.columns == {"response_id": "response id"}
    kinds = {(r["question"], r["survey_type"]) for r in found.select(["question", "survey_type"]).to_pylist()}
    assert {kind for _, kind in kinds} == {"csat", "nps"}
    assert len(kinds) == 3


def test_one_score_with_a_comment_is_not_wide(upload: Upload) -> None:
    raw = upload(
        table(
            "id,How likely are you to recommend us?,Why do you say so?", *(f"{i},{i % 11},word {i}" for i in range(30))
        )
    )
    assert all(q.key != "wide" for q in recognise(raw, "surveys").questions)


def test_no_answers_are_asked_about_and_can_be_denied(upload: Upload) -> None:
    rows = [f"r{i},{[1, 2, 3, 4, 5, 99, 0][i % 7]},{['5', '4', 'N/A'][i % 3]}" for i in range(70)]
    raw = upload(table("id,How good was the food?,How good was the room?", *rows))
    found = recognise(raw)
    assert {q.key: q.chosen for q in found.questions} == {
        "no_answer:99": "yes",
        "no_answer:0": "yes",
        "no_answer:N/A": "yes",
    }
    mapping = default_mapping(raw, found)
    assert mapping.spread and mapping.spread.columns[0].kind
    assert (mapping.spread.columns[0].kind.scale_low, mapping.spread.columns[0].kind.scale_high) == (1.0, 5.0)
    missing = {"score_status": {"missing": 20 + 23}}  # 99 and 0 ten times each, N/A in every third of 70 rows
    read = READERS["surveys"](raw, mapping).to_table()
    assert sum(s == "missing" for s in read["score_status"].to_pylist()) == missing["score_status"]["missing"]
    denied = answered(mapping, question(found, "no_answer:99"), "no")
    read = READERS["surveys"](raw, denied).to_table()
    assert sum(s == "invalid" for s in read["score_status"].to_pylist()) == 10


def test_which_question_is_nps_is_asked(upload: Upload) -> None:
    raw = upload(table("id,rating,date", *(f"r{i},{i % 11},2026-01-{i % 28 + 1:02d}" for i in range(44))))
    found = recognise(raw, "surveys")
    assert question(found, "nps:rating").chosen == "no"
    mapping = answered(default_mapping(raw, found), question(found, "nps:rating"), "yes")
    assert (mapping.survey_type, mapping.scale_low, mapping.scale_high) == ("nps", 0.0, 10.0)
    assert answered(mapping, question(found, "nps:rating"), "no").survey_type == "rating"


def test_day_or_month_and_customer_are_asked(upload: Upload) -> None:
    raw = upload(table("customer_id,event,date,user_id", "a,visit,01/02/2026,x", "b,buy,03/04/2026,y"))
    found = recognise(raw)
    mapping = default_mapping(raw, found)
    assert question(found, "day_or_month").chosen == "day_first"
    assert answered(mapping, question(found, "day_or_month"), "month_first").time_format == "month_first"
    other = answered(mapping, question(found, "customer"), "user_id")
    assert (other.columns["customer_id"], other.attributes) == ("user_id", ("customer_id",))
    assert '"customer_id": 2, "user_id": 2' in str(question(found, "customer").reason)
    with pytest.raises(MappingProblem, match='"event" is no answer here. Choose one of: customer_id, user_id'):
        answered(mapping, question(found, "customer"), "event")
    clear = upload(table("customer_id,event,date", "a,visit,31/01/2026", "b,buy,03/04/2026"))
    assert recognise(clear).questions == ()


def test_answers_in_words_are_scores(upload: Upload) -> None:
    words = ("Очень доволен", "Доволен", "Нейтрально", "Недоволен", "Не знаю")
    raw = upload(table("id,customer_id,оценка,дата", *(f"{i},c{i % 9},{words[i % 5]},2026-01-13" for i in range(40))))
    found, report, mapping = load(raw)
    assert found["score"].to_pylist()[:5] == [5.0, 4.0, 3.0, 2.0, None]
    assert found["score_status"].to_pylist()[4] == "missing"
    assert (mapping.scale_low, mapping.scale_high) == (1.0, 5.0)
    assert "read as numbers" in " ".join(map(str, report.notes))


def test_several_questions_in_rows_have_their_own_scales(upload: Upload) -> None:
    ask = ("How likely are you to recommend us?", "How satisfied are you?")
    rows = [f"r{i // 2},c{i // 2},{ask[i % 2]},{(i // 2 % 11, i // 2 % 5 + 1)[i % 2]},2026-01-13" for i in range(60)]
    found, _, mapping = load(upload(table("response_id,customer_id,question,score,date", *rows)))
    assert mapping.kinds_by is not None
    kinds = {(r["question"], r["survey_type"], r["scale_high"]) for r in found.to_pylist()}
    assert kinds == {(ask[0], "nps", 10.0), (ask[1], "csat", 5.0)}
    assert set(found["score_status"].to_pylist()) == {"valid"}


def test_budgets_by_month_and_by_channel(upload: Upload) -> None:
    by_month, report, _ = load(upload(table("Канал,янв 2026,фев 2026,март 2026", "Поиск,100,200,", "ТВ,1,2,3")))
    assert (by_month.num_rows, report.empty_cells, pc.sum(by_month["cost"]).as_py()) == (5, 1, 306.0)
    assert str(by_month["period_end"][0]) == "2026-02-01"
    by_channel, _, _ = load(upload(table("Date,TV,Radio,Facebook", "2026-01-05,1,2,3", "2026-01-12,4,5,6")))
    assert set(by_channel["channel"].to_pylist()) == {"TV", "Radio", "Facebook"}


def test_codes_with_an_e_do_not_stop_recognition(upload: Upload) -> None:
    raw = upload(table("customer_id,event,date,plane", "a,visit,2026-01-01,E195", "b,visit,2026-01-02,E190"))
    assert recognise(raw).table == "touchpoints"


# Words and periods


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("2026-01", "2026-01"),
        ("202601", "2026-01"),
        ("01/2026", "2026-01"),
        ("Jan 2026", "2026-01"),
        ("January-26", "2026-01"),
        ("Q2 2026", "2026-04-01/2026-06-30"),
        ("Январь 2026", "2026-01"),
        ("يناير 2026", "2026-01"),
        ("ژانویه ۲۰۲۶", "2026-01"),
        ("2026 дек", "2026-12"),
        ("2026-01-05", "2026-01-05"),
        ("January", None),
        ("13/2026", None),
        ("Room 2026", None),
        ("cost", None),
    ],
)
def test_periods_in_headers(header: str, found: str | None) -> None:
    assert period_of(header) == found


def test_words_of_scales() -> None:
    assert find_scale(["Good", "Bad", "Offered"]) == {"Good": 1.0, "Bad": 0.0}
    assert find_scale(["Good", "Bad", "Excellent"]) == {"Good": 4.0, "Bad": 2.0, "Excellent": 5.0}
    assert find_scale(["Detractor", "Promoter"]) == {"Detractor": 0.0, "Promoter": 10.0}
    assert find_scale(["راضی", "خیلی راضی", "نمی‌دانم"]) == {"راضی": 4.0, "خیلی راضی": 5.0}
    assert find_scale(["أوافق بشدة", "أعارض"]) == {"أوافق بشدة": 5.0, "أعارض": 2.0}
    assert find_scale(["☹️", "😐", "🙂"]) == {"☹️": 2.0, "😐": 3.0, "🙂": 4.0}
    assert find_scale(["A1", "A4"]) == {"A1": 1.0, "A4": 4.0}
    assert find_scale(["Good", "Blue"]) is None
    assert find_scale(["Good"]) is None
    assert means_no_answer(" لا أعرف ") and means_no_answer("Не Знаю") and not means_no_answer("good")
