"""A link says a view and nothing else: every view survives it, and no link, however broken, stops a page."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import parse_qs, quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.registry import METRICS
from cx_metrics.steps import Step, Steps
from cx_metrics.tables import SURVEY_TYPES
from cx_metrics.view import (
    COMPARES,
    GRAINS,
    RANGE_RULES,
    TOUCHPOINT_FILTERS,
    TOUCHPOINT_RULES,
    Answered,
    Belonging,
    Facts,
    Filter,
    Member,
    Passing,
    Tried,
    View,
)
from pages.parts.address import Address, decode, encode, fit, merged
from pages.parts.language import LANGUAGES

DATASET = "0123456789abcdef" * 2
HOSTILE = ["~", "~~", "~x", "a|b", "a\\|b", "\\", "|", "a=b&c=d", "?#%20+", "%7E", '"', '""', "a,b", "x?", "x@2d", " padded ",
           "سلة التسوق", "سبد‌خرید", "Корзина", "\u202eesrever", "😀", "line\nbreak", "is.persona", "<b>", "–"]  # fmt: skip

names = st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=12).filter(str.strip)
names = names.filter(
    lambda name: not any("\ud800" <= sign <= "\udfff" for sign in name)
)  # no address can hold half a pair
values = st.lists(names | st.just(""), min_size=1, max_size=3, unique=True).map(tuple)
some_days = st.dates(date(1990, 1, 1), date(2100, 12, 31))
days = st.none() | some_days
columns = st.sampled_from(["persona", "segment", "region"]) | names.filter(lambda name: name not in TOUCHPOINT_FILTERS)


@st.composite
def passings(draw: st.DrawFn) -> Passing:
    kind = draw(st.sampled_from(["node", "link", "ends"]))
    return Passing(draw(st.integers(1, 10)), draw(names), draw(names) if kind == "link" else None, ends=kind == "ends")


@st.composite
def tried(draw: st.DrawFn) -> Tried:
    steps = tuple(Step((name,)) for name in draw(st.lists(names, min_size=2, max_size=4)))
    rules = {"steps": Steps("").print(steps)} | draw(
        st.sampled_from([{}, {"window": "7d"}, {"order": "strict", "exclude": "X"}])
    )
    return Tried(draw(st.integers(1, 12)), draw(st.booleans()), tuple(sorted(rules.items())))


@st.composite
def answered(draw: st.DrawFn) -> Answered:
    low, high = sorted(draw(st.tuples(st.integers(0, 10), st.sampled_from([0.5, 3, 7, 10]))))
    return Answered(draw(st.sampled_from(SURVEY_TYPES)), low, high, draw(st.none() | names))


@st.composite
def members(draw: st.DrawFn) -> tuple[Member, ...]:
    kept = draw(st.lists(names, max_size=2, unique=True))
    found = [Member(draw(names | st.just("")), condition, draw(st.booleans())) for condition in kept]
    return tuple(sorted(found, key=lambda member: member.condition))


belongings = st.sampled_from([Belonging(), Belonging("journey"), Belonging("none")]) | st.integers(1, 10**9).map(
    lambda seconds: Belonging("last", seconds)
)


@st.composite
def views(draw: st.DrawFn) -> View:
    first, last = draw(days), draw(days)
    if first and last:
        first, last = min(first, last), max(first, last)
    compare = draw(st.sampled_from(COMPARES))
    other = sorted(draw(st.tuples(some_days, some_days))) if compare == "range" else (None, None)
    view = View(
        first, last, compare, *other, range_rule=draw(st.sampled_from(RANGE_RULES)),
        goal=draw(st.none() | st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)), grain=draw(st.sampled_from(GRAINS)),
        touchpoint_rule=draw(st.sampled_from(TOUCHPOINT_RULES)), passing=draw(st.none() | passings()),
        tried=draw(st.none() | tried()), answered=draw(st.none() | answered()), members=draw(members()),
        against_members=draw(members()), belonging=draw(belongings),
    )  # fmt: skip
    for column in draw(st.lists(columns | st.sampled_from(TOUCHPOINT_FILTERS), max_size=4, unique=True)):
        view = view.with_values(column, draw(values))
    for column in draw(st.lists(columns, max_size=2, unique=True)):
        view = view.with_against(column, draw(values))
    return view


options = st.fixed_dictionaries(
    {},
    optional={
        "funnel.steps": st.lists(names, min_size=2, max_size=4).map(
            lambda found: Steps("").print([Step((n,)) for n in found])
        ),
        "funnel.window": st.sampled_from(["36h", "unlimited", "30min"]),
        "flow_links.steps": st.integers(2, 8).map(str),
    },
)
addresses = st.builds(
    Address, st.sampled_from(["", DATASET]), st.sampled_from(["", *LANGUAGES]), views(),
    options.map(lambda found: tuple(sorted(found.items()))),
)  # fmt: skip


# There and back


@settings(deadline=None, max_examples=300)
@given(addresses)
def test_every_view_survives_the_address_bar(address: Address) -> None:
    params = encode(address)
    assert decode(params) == (address, [])
    # and the text of the link, as a browser reads it
    assert parse_qs(urlencode(params, doseq=True), keep_blank_values=True) == params


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_survive_in_every_place_of_a_view(name: str) -> None:
    filters = View().with_values("persona", (name, "")).with_values("channel", (name,)).with_values(name, (name,))
    filters = filters.with_against("persona", (name, "")).with_against(name, (name,))
    for passing in (Passing(1, name), Passing(10, name, name), Passing(2, name, ends=True)):
        view = replace(filters, goal=(name, "Purchase"), passing=passing)
        assert decode(encode(Address(DATASET, "fa", view))) == (Address(DATASET, "fa", view), [])


def test_a_value_called_tilde_is_not_the_same_as_not_known() -> None:
    tilde, unknown = View().with_values("persona", ("~",)), View().with_values("persona", ("",))
    assert encode(Address(view=unknown)) == {"persona": ["~"]}
    assert encode(Address(view=tilde)) != encode(Address(view=unknown))


def test_only_what_differs_from_the_default_is_written() -> None:
    assert encode(Address()) == {}
    assert encode(Address(DATASET, "en")) == {"ds": [DATASET], "lang": ["en"]}
    for view, written in [
        (View(first_day=date(2026, 1, 1)), {"from": ["2026-01-01"]}),
        (View(last_day=date(2026, 1, 1)), {"to": ["2026-01-01"]}),
        (View(compare="previous"), {"compare": ["previous"]}),
        (View(range_rule="journeys"), {"range": ["journeys"]}),
        (View(grain="session"), {"grain": ["session"]}),
        (View(touchpoint_rule="touchpoints"), {"only": ["touchpoints"]}),
        (View(goal=("Buy|now", "Pay")), {"goal": ['"Buy|now"|Pay']}),
        (View(customers=(Filter("persona", ("Saver", "Family")),)), {"persona": ["Saver", "Family"]}),
        (View(customers=(Filter("age", ("25-34",)),)), {"is.age": ["25-34"]}),
        (View(touchpoints=(Filter("channel", ("app",)),)), {"channel": ["app"]}),
        (View(against=(Filter("persona", ("Saver", "")),)), {"b.persona": ["Saver", "~"]}),
        (View(against=(Filter("age", ("25-34",)),)), {"b.is.age": ["25-34"]}),
        (View(against=(Filter("channel", ("app",)),)), {"b.is.channel": ["app"]}),
        (View(passing=Passing(2, "Website")), {"passing": ["2|Website"]}),
        (View(passing=Passing(2, "Website", "Cart")), {"passing": ["2|Website|Cart"]}),
        (View(passing=Passing(2, "Website", ends=True)), {"passing": ["2|Website|"]}),
        (
            View(tried=Tried(2, True, (("steps", "A|B,C"), ("window", "7d")))),
            {"tried": [r"lost|2|steps=A\|B,C|window=7d"]},
        ),
    ]:
        assert encode(Address(view=view)) == written


def test_options_come_and_go_one_by_one() -> None:
    address = Address().with_option("funnel", "window", "7d").with_option("flow_links", "steps", "6")
    assert encode(address) == {"funnel.window": ["7d"], "flow_links.steps": ["6"]}
    assert (address.option("funnel", "window"), address.option("funnel", "entry")) == ("7d", None)
    assert address.with_option("funnel", "window", None) == Address().with_option("flow_links", "steps", "6")


@settings(deadline=None, max_examples=50)
@given(addresses)
def test_the_language_changes_no_other_parameter(address: Address) -> None:
    # A link holds ids and data, never labels: a colleague who reads another language opens the same view.
    rest = [{k: v for k, v in encode(replace(address, language=code)).items() if k != "lang"} for code in LANGUAGES]
    assert all(params == rest[0] for params in rest)


def test_a_merged_filter_holds_each_value_once() -> None:
    view = View().with_values("persona", ("Saver",))
    assert merged(view, Filter("persona", ("Family", "Saver"))).values("persona") == ("Saver", "Family")


def test_segment_b_changes_nothing_about_segment_a() -> None:
    view = (
        View()
        .with_values("persona", ("Saver",))
        .with_against("persona", ("Family",))
        .with_against("region", ("North",))
    )
    assert view.alone() == View().with_values("persona", ("Saver",))
    assert view.other_side() == View().with_values("persona", ("Family",)).with_values("region", ("North",))
    assert view.with_values("persona", ()).values_against("persona") == ("Family",)
    assert view.with_against("persona", ()).with_against("region", ()) == view.alone()


# Links that are broken


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ds", "../../etc/passwd"), ("ds", "0" * 31), ("ds", DATASET.upper()), ("lang", "klingon"), ("lang", "العربية"),
        ("from", "yesterday"), ("from", "2026-02-30"), ("from", "0001-01-01"), ("to", "9999-12-31"), ("to", "٢٠٢٦"),
        ("compare", "always"), ("range", "all"), ("grain", "galaxy"), ("only", "fans"), ("goal", ""), ("goal", '"'),
        ("goal", "a,b"),
        ("passing", ""), ("passing", "Website"), ("passing", "0|Website"), ("passing", "11|Website"), ("passing", "1|"),
        ("passing", "²|Website"), ("passing", "-1|Website"), ("passing", "1|a|b|c"), ("passing", "9" * 5_000 + "|Website"),
        ("tried", ""), ("tried", "lost"), ("tried", "lost|2"), ("tried", "found|2|steps=A,B"), ("tried", "lost|0|steps=A,B"),
        ("tried", "lost|2|steps=A"), ("tried", "lost|2|steps=A,B|colour=red"), ("tried", "lost|2|steps=A,B|window=0d"),
        ("tried", "lost|99|steps=A,B"), ("tried", "|||"),
        ("belonging", ""), ("belonging", "last"), ("belonging", "last:"), ("belonging", "last:0d"), ("belonging", "last:1.5s"),
        ("belonging", "last:unlimited"), ("belonging", "journey:7d"), ("belonging", "Journey"), ("belonging", "9" * 5_000),
        ("funnel.steps", "a"), ("funnel.window", "0d"), ("funnel.window", "9" * 500 + "d"), ("funnel.entry", "any"),
        ("flow_links.steps", "9" * 5_000), ("flow_links.steps", "two"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_left_out_and_named(name: str, text: str) -> None:
    found, notes = decode({name: [text], "persona": ["Saver"]})
    assert found == Address(view=View().with_values("persona", ("Saver",)))
    assert len(notes) == 1 and len(str(notes[0])) < 6_000


def test_a_range_that_ends_before_it_starts_is_left_out() -> None:
    found, notes = decode({"from": ["2026-02-01"], "to": ["2026-01-01"]})
    assert (found.view, len(notes)) == (View(), 1)


def test_parameters_of_somebody_else_are_ignored() -> None:
    somebody = ("utm_source", "", "is.", "b.", "b.is.", "b.channel", "nps", "nps.", "no_metric.window")
    assert decode({name: ["x"] for name in somebody}) == (Address(), [])


def test_of_a_parameter_that_stands_twice_the_last_one_counts() -> None:
    assert decode({"grain": ["galaxy", "session"], "lang": ["en", "ru"]})[0] == Address("", "ru", View(grain="session"))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["from", "to"]), st.dates().map(date.isoformat).map(lambda text: [text])))
def test_every_range_that_is_accepted_can_be_counted(params: dict[str, list[str]]) -> None:
    # Days near the ends of the calendar have no day before or after them, and no time in another zone.
    view = decode(params)[0].view
    for zone in ("UTC", "Asia/Tehran", "America/New_York", "Pacific/Kiritimati"):
        start, end = view.bounds(zone)
        assert start is None or end is None or start < end
        if (earlier := view.previous()) is not None:
            assert earlier.bounds(zone)[1] == start  # the period before ends where this one begins


def test_ten_thousand_broken_links_open_a_page() -> None:
    chance = random.Random(20_260_101)
    step = 'ad|"search, or not"?,visit@2d,buy'
    whole = urlencode({
        "ds": DATASET, "lang": "ar", "from": "2026-01-01", "to": "2026-03-31", "compare": "previous", "range": "journeys",
        "grain": "case", "only": "touchpoints", "goal": 'Purchase|"a|b"', "persona": "~", "is.age": "25-34", "channel": "app",
        "passing": "2|Web\\|site|Cart", "flow_links.steps": "6", "funnel.steps": step, "funnel.window": "14d",
        "b.persona": "Saver", "b.is.age": "~",
    })  # fmt: skip
    pieces = [
        "&",
        "=",
        "|",
        "\\",
        "~",
        '"',
        "%",
        "%00",
        "%FF",
        "%D9%A3",
        "²",
        "9" * 30,
        "-",
        ",",
        "@",
        "?",
        "is.",
        "\0",
        "funnel.",
        "",
    ]
    for _ in range(10_000):
        text = whole
        for _ in range(chance.randint(1, 6)):
            start = chance.randrange(len(text) + 1)
            end = min(len(text), start + chance.choice((0, 0, 1, 2, 8, 30)))
            text = text[:start] + chance.choice(pieces) + text[end:]
        params = parse_qs(text, keep_blank_values=True, encoding="utf-8", errors="replace", max_num_fields=None)
        found, _notes = decode(params)
        again = decode(encode(found))
        assert again == (found, []), quote(text)  # what was read is a whole view


# Links to another dataset

KNOWN = {
    "persona": ("Saver", "Family"),
    "channel": ("web", "app"),
    "touchpoint": ("Website", "Cart", "Purchase"),
    "age": ("25-34", ""),
}
FACTS = Facts(tables=("touchpoints",), columns={"touchpoints": ("occurred_at", "channel", "case_id")}, timed=True)


def test_a_view_that_the_dataset_has_fits_as_it_is() -> None:
    view = View(
        date(2026, 1, 1), date(2026, 2, 1), "previous", "journeys", ("Purchase",), "case", touchpoint_rule="touchpoints",
        passing=Passing(1, "Website", "Cart"),
    ).with_values("persona", ("Saver",)).with_values("age", ("",)).with_values("channel", ("app",))  # fmt: skip
    assert fit(view, FACTS, KNOWN) == (view, [])


@pytest.mark.parametrize(
    ("view", "left", "named"),
    [
        (
            View().with_values("persona", ("Saver", "Nobody")),
            View().with_values("persona", ("Saver",)),
            "persona = Nobody",
        ),
        (View().with_values("persona", ("Nobody",)), View(), "persona = Nobody"),
        (View().with_values("persona", ("",)), View(), "persona = –"),
        (View().with_values("planet", ("Mars",)), View(), "planet = Mars"),
        (View().with_values("channel", ("fax", "web")), View().with_values("channel", ("web",)), "channel = fax"),
        (
            View().with_against("persona", ("Family", "Nobody")),
            View().with_against("persona", ("Family",)),
            "B: persona = Nobody",
        ),
        (View().with_against("planet", ("Mars",)), View(), "B: planet = Mars"),
        (View(goal=("Purchase", "Donation")), View(goal=("Purchase",)), "Donation"),
        (View(goal=("Donation",)), View(), "Donation"),
        (View(passing=Passing(1, "Fax")), View(), "Fax"),
        (View(passing=Passing(1, "Website", "Fax")), View(), "Fax"),
    ],
)
def test_what_the_dataset_lacks_is_left_out_and_named(view: View, left: View, named: str) -> None:
    fitted, notes = fit(view, FACTS, KNOWN)
    assert fitted == left
    assert [named in str(note) for note in notes] == [True]


def test_where_answers_belong_stands_in_the_link_and_the_default_is_left_out() -> None:
    texts = {"last:7d": Belonging("last", 7 * 86_400), "last:90min": Belonging("last", 5_400), "journey": Belonging("journey"),
             "none": Belonging("none"), "said": Belonging()}  # fmt: skip
    for text, belonging in texts.items():
        assert decode({"belonging": [text]}) == (Address(view=View(belonging=belonging)), [])
        assert encode(Address(view=View(belonging=belonging))) == ({} if text == "said" else {"belonging": [text]})
    assert decode({"belonging": ["last:86400s"]})[0].view.belonging == Belonging(
        "last", 86_400
    )  # one printed form: last:1d


def test_answers_of_a_dataset_without_their_journeys_belong_to_what_they_say() -> None:
    linked = replace(FACTS, columns={**FACTS.columns, "surveys": ("score", "contacts_before")})
    for belonging in (Belonging("last", 60), Belonging("journey")):
        assert fit(View(belonging=belonging), linked, KNOWN) == (View(belonging=belonging), [])
        fitted, notes = fit(View(belonging=belonging), FACTS, KNOWN)
        assert (fitted, len(notes)) == (View(), 1) and "belonging" in str(notes[0])
    assert fit(View(belonging=Belonging("none")), FACTS, KNOWN) == (View(belonging=Belonging("none")), [])


def test_a_dataset_without_times_or_cases_has_no_ranges_and_no_case_grain() -> None:
    order_only = Facts(tables=("touchpoints",), columns={"touchpoints": ("channel",)}, timed=False)
    view = View(date(2026, 1, 1), date(2026, 1, 1) + timedelta(3), "previous", grain="case")
    fitted, notes = fit(view, order_only, KNOWN)
    assert (fitted, len(notes)) == (View(), 2)


@settings(deadline=None, max_examples=150)
@given(views())
def test_what_fits_once_fits_again_and_names_only_what_is_there(view: View) -> None:
    fitted, notes = fit(view, FACTS, KNOWN)
    assert fit(fitted, FACTS, KNOWN) == (fitted, [])
    assert (fitted == view) == (notes == [])
    for kept in fitted.customers + fitted.touchpoints + fitted.against:
        assert set(kept.values) <= set(KNOWN[kept.column])


def test_every_option_of_every_metric_can_stand_in_a_link() -> None:
    for metric in METRICS.values():
        for option in metric.options:
            text = "a,b" if option.required else option.type.print(option.default)
            found, notes = decode({f"{metric.name}.{option.name}": [text]})
            assert (found.option(metric.name, option.name), notes) == (text, [])


def test_segments_answers_and_days_to_compare_with_stand_in_the_link() -> None:
    view = View(
        compare="range", compare_first=date(2026, 1, 1), compare_last=date(2026, 1, 31), answered=Answered("nps", 0, 6),
        members=(Member("Regulars", "persona=Saver"), Member("a|b", "touchpoint=X", inside=False)),
        against_members=(Member("Others", "not(persona=Saver)"),),
    )  # fmt: skip
    params = encode(Address(view=view))
    assert params == {
        "compare": ["2026-01-01..2026-01-31"], "answered": ["nps|0|6"], "in": ["Regulars|persona=Saver"],
        "out": [r"a\|b|touchpoint=X"], "b.in": ["Others|not(persona=Saver)"],
    }  # fmt: skip
    assert decode(params) == (Address(view=view), [])


@pytest.mark.parametrize(
    "params",
    [
        {"in": ["no condition"]}, {"out": ["name|"]}, {"answered": ["nps|6|0"]}, {"answered": ["nps|0|six"]},
        {"compare": ["2026-02-01..2026-01-01"]}, {"compare": ["2026-02-01.."]}, {"compare": ["next"]},
    ],
)  # fmt: skip
def test_segments_answers_and_days_that_cannot_be_read_are_named(params: dict[str, list[str]]) -> None:
    found, notes = decode(params)
    assert found == Address()
    assert len(notes) == 1


def test_a_segment_that_nobody_can_read_is_left_out_with_a_note() -> None:
    broken, whole = Member("odd", "all(persona=x"), Member("fine", "persona=x")
    asked = View(members=(broken, whole), against_members=(broken,), answered=Answered("nps", 0, 6))
    view, notes = fit(asked, Facts(tables=("touchpoints",)), {})
    assert (view.members, view.against_members, view.answered) == ((whole,), (), None)
    assert len(notes) == 3


def test_a_link_names_a_handful_of_segments_and_no_more() -> None:
    found, notes = decode({"in": [f"{'n' * 200}|persona=p{i}" for i in range(20)]})
    assert len(found.view.members) == 12 and len(notes) == 8
    assert {member.name for member in found.view.members} == {"n" * 80}


@pytest.mark.parametrize("calendar", ["", "gregorian", "jalali", "hijri"])
@pytest.mark.parametrize("digits", ["", "latin"])
def test_a_link_keeps_how_dates_and_numbers_are_written(digits: str, calendar: str) -> None:
    address = Address(DATASET, "fa", digits=digits, calendar=calendar)
    assert decode(encode(address)) == (address, [])
    assert decode({"digits": ["roman"], "calendar": ["mayan"]})[0] == Address()
