"""Every sentence exists in every language, whole, with the same places, and none of them reaches a page half filled."""

from __future__ import annotations

import ast
import gettext as gnu
import importlib.util
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from babel.messages.catalog import Catalog

from cx_metrics import findings, findings_differences, findings_drop_off, findings_engagement
from cx_metrics.groups import OTHER
from cx_metrics.registry import METRICS
from cx_metrics.texts import Text
from pages.parts import language
from pages.parts.language import LANGUAGES, PageReader

ROOT = Path(__file__).parents[1]
PLACE = re.compile(r"\{\w*\}")
translated = pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])


@pytest.fixture(scope="module")
def collect() -> ModuleType:
    """locale/collect.py, which is no package."""
    spec = importlib.util.spec_from_file_location("collect_messages", ROOT / "locale" / "collect.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def source(collect: ModuleType) -> Catalog:
    """Every message of the program."""
    found: Catalog = collect.collect()
    return found


def forms(message: Any) -> list[str]:
    return list(message.string) if isinstance(message.string, (list, tuple)) else [message.string]


def sources(message: Any) -> list[str]:
    return list(message.id) if isinstance(message.id, (list, tuple)) else [message.id]


# The catalogues


def test_the_collector_finds_the_texts_of_every_room(source: Catalog) -> None:
    places = {file.split("/")[0] for message in source for file, _line in message.locations}
    assert {"app.py", "pages", "cx_metrics"} <= places
    ids = {key for message in source if message.id for key in sources(message)}
    assert {"Overview", "Drop-off", "{n} customers", "No customer reached the first step"} <= ids
    assert "There is no segment {name} any more." in ids  # of cx_metrics/workspace, which is no folder of users' data
    assert {
        "one contact of one customer at one time",
        "How many customers are satisfied?",
    } <= ids  # a table, a metric's question


@translated
def test_every_message_is_translated_with_the_places_of_its_source(
    collect: ModuleType, source: Catalog, code: str
) -> None:
    assert code in collect.LANGUAGES
    assert collect.problems(code, source) == []


@translated
def test_every_plural_has_all_forms_of_its_language(collect: ModuleType, source: Catalog, code: str) -> None:
    catalogue = collect.load(code)
    short = [
        message.id[0]
        for message in catalogue
        if message.id
        and message.pluralizable
        and (len(forms(message)) != catalogue.num_plurals or not all(forms(message)))
    ]
    counted = [message.id[0] for message in source if message.id and message.pluralizable]
    assert counted and short == []


@translated
def test_the_numbers_of_a_sentence_stand_in_its_plural_for_many(collect: ModuleType, code: str) -> None:
    # "one row" and "two rows" may be words without a number, as Arabic writes them; five are always a number.
    catalogue = collect.load(code)
    last = {"ar": 3, "fa": 0, "ru": 2}[code]  # the form that 5 takes
    lost = []
    for message in catalogue:
        if message.id and message.pluralizable and len(forms(message)) > last and forms(message)[last]:
            wanted, found = (sorted(set(PLACE.findall(text))) for text in (message.id[1], forms(message)[last]))
            lost += [message.id[1]] if wanted != found else []
    assert lost == []


@translated
def test_the_catalogue_holds_no_message_that_the_program_does_not_say(
    collect: ModuleType, source: Catalog, code: str
) -> None:
    known = {(message.context, sources(message)[0]) for message in source if message.id}
    catalogue = collect.load(code)
    assert [m.id for m in catalogue if m.id and (m.context, sources(m)[0]) not in known] == []
    assert not catalogue.obsolete and not [m.id for m in catalogue if m.id and m.fuzzy]


@translated
def test_a_translation_brings_no_markup_that_its_source_has_not(collect: ModuleType, code: str) -> None:
    # Fixed words go to Markdown labels as they are.
    signs = re.compile(r"[<>`$*_\\|\[\]]|https?:|^\s|\s$|\n")
    found = []
    for message in collect.load(code):
        allowed = {sign for text in sources(message) for sign in signs.findall(PLACE.sub("0", text))}
        for text in forms(message) if message.id else []:
            found += [text] if set(signs.findall(PLACE.sub("0", text))) - allowed else []
    assert found == []


# The sentences that pages open with


def frame(**columns: Any) -> pd.DataFrame:
    length = max(len(values) for values in columns.values() if isinstance(values, list))
    return pd.DataFrame(
        {name: values if isinstance(values, list) else [values] * length for name, values in columns.items()}
    )


def links(**change: Any) -> pd.DataFrame:
    rows = {"step": [1, 1, 2], "source": ["Website", "Website", "Cart"], "target": ["Cart", None, "Purchase"],
            "kind": ["move", "drop_off", "move"], "journeys": [30, 10, 20]}  # fmt: skip
    return pd.DataFrame(rows | change)


def scores(measure: str, *values: float, n: int = 100, half: float = 0.0) -> pd.DataFrame:
    months = [date(2026, i + 1, 1) for i in range(len(values))]
    bounds = {f"{measure}_low": [v - half for v in values], f"{measure}_high": [v + half for v in values]}
    places = [f"Place {i}" for i in range(len(values))]
    return frame(responses=n, month=months, place=places, group=places, **{measure: list(values)}, **bounds)


def funnel(*customers: int) -> pd.DataFrame:
    lost = [0, *(a - b for a, b in zip(customers, customers[1:], strict=False))]
    names = [f"Step {i}" for i in range(1, len(customers) + 1)]
    return frame(step=list(range(1, len(customers) + 1)), touchpoint=names, customers=list(customers), drop_off=lost,
                 previous=[customers[0], *customers[:-1]], entrants=customers[0])  # fmt: skip


def shared(*customers: int) -> pd.DataFrame:
    frame = funnel(*customers)
    return frame.assign(share_of_previous=frame["customers"] / frame["previous"].clip(lower=1))


def lost(*names: str | None, customers: tuple[int, ...] = (70, 20, 10)) -> pd.DataFrame:
    share = [n / sum(customers) for n in customers]
    return frame(touchpoint="Step 2 | Cart", next_touchpoint=list(names), customers=list(customers), share=share)


def rates(*values: float, half: float = 0.0, n: int = 100) -> pd.DataFrame:
    days = [date(2026, 1, 5 + 7 * i) for i in range(len(values))]
    bounds = {"conversion_rate_low": [v - half for v in values], "conversion_rate_high": [v + half for v in values]}
    return frame(period=days, entrants=n, not_over=0, conversion_rate=list(values), **bounds)


def ease(better: bool) -> pd.DataFrame:
    return frame(responses=[50], ces=5.5, easy_share=0.7, scale_low=1.0, scale_high=7.0, higher_is_better=better)


def channels(**change: Any) -> pd.DataFrame:
    rows: dict[str, Any] = {"channel": ["web", "app"], "customers": [100, 100], "conversion_rate": [0.6, 0.2]}
    rows |= {"conversion_rate_low": [0.5, 0.1], "conversion_rate_high": [0.7, 0.3]}
    rows |= {"first_touch_conversions": [50, 20], "cost_per_first_touch": [3.0, 8.5]}
    return pd.DataFrame(rows | change)


EMPTY = pd.DataFrame
NPS, CSAT = frame(nps=[31.0], responses=50), frame(csat=[0.7], responses=50)
BUYERS = frame(customers=[200], conversion_rate=0.25)
ENGAGED = frame(stage=["awareness", "own stage"], touchpoint=["Website", "Cart"], customers=[50, 20], population=60,
                reach=[0.8, 0.3], next_stage_rate=[0.5, 0.2], entry_sessions=[40, 35], bounced_sessions=[10, 20],
                bounce_rate=[0.25, 0.57])  # fmt: skip
FEW = ENGAGED.assign(customers=1, population=1, entry_sessions=1)
MEASURE = Text("CSAT")
UNEVEN = frame(place=["few", "b", "c"], nps=[-5.0, 10.0, 40.0], nps_low=[-60.0, 5.0, 35.0], nps_high=[50.0, 15.0, 45.0],
               responses=[40, 400, 400])  # fmt: skip


def spoken() -> Iterator[Text]:
    """Every sentence of findings.py, each from the smallest frame that leads to it."""
    f = findings
    yield f.overview(NPS, BUYERS, CSAT, 200)
    yield f.overview(None, BUYERS, CSAT, 200)
    yield f.overview(None, BUYERS, None, 200)
    yield f.overview(NPS, None, CSAT, 0)
    yield f.overview(None, None, CSAT, 0)
    yield from (f.overview(None, None, None, n, answers=answers) for n in (0, 1, 2, 5, 21, 100) for answers in (0, 3))
    yield from (f.stages(ENGAGED), f.stages(FEW), f.stages(ENGAGED.assign(next_stage_rate=[0.5, 0.0])))
    yield from (f.flow(links()), f.flow(links(journeys=[1, 1, 1])), f.flow(links(source=[OTHER, OTHER, "Cart"])))
    yield from (
        f.busiest_move(links()),
        f.busiest_move(links(journeys=[1, 1, 1])),
        f.busiest_move(links(kind="drop_off")),
        f.busiest_move(links(), numbered=False),
    )
    yield f.paths(frame(journeys=[]).assign(all_journeys=[]))
    yield from (f.paths(frame(journeys=[5] * n, all_journeys=50)) for n in (1, 2, 5, 11))
    yield from (f.drop_off(funnel(100, 60, 50)), f.drop_off(funnel(0, 0)), f.drop_off(funnel(5, 5)))
    yield from (f.completed(funnel(n, 0)) for n in (0, 1, 2, 5, 100))
    yield from (findings_drop_off.least_goes_on(shared(100, *rest)) for rest in ((60, 50), (0,)))
    yield from (f.frequency(ENGAGED.assign(frequency=[1.5, 2.5])), f.frequency(FEW))
    yield from (f.went(lost("Blog", None, OTHER)), f.went(lost("Cart", None, OTHER)), f.went(lost(None, "Blog", OTHER)))
    yield f.went(lost(OTHER, None, None))
    yield from (f.moved(rates(0.2, 0.6)), f.moved(rates(0.2, 0.3, half=0.1)), f.moved(rates(0.2)))
    yield from (findings_drop_off.takes(frame(customers=counts, share=0.5)) for counts in ([5], [5, 2], [2, 5]))
    bounds = {
        "next_stage_rate_low": [0.4, 0.1],
        "next_stage_rate_high": [0.6, 0.3],
        "stage": "awareness",
        "named": "Awareness",
    }
    grouped = ENGAGED.assign(**bounds, persona=["Saver", "Family"])
    yield from (f.stages_by(grouped, "persona", "named"), f.stages_by(grouped.assign(customers=1), "persona", "named"))
    yield f.stages_by(grouped.assign(next_stage_rate_high=0.9), "persona", "named")
    yield f.stages_by(grouped.assign(persona="Saver"), "persona", "named")
    yield f.score_by(UNEVEN, "place", "nps")
    yield from (f.credits(channels(last_touch_conversions=[n, 30])) for n in (40, 50))
    yield f.credits(channels(first_touch_conversions=[50, 30], last_touch_conversions=[50, 30]))
    for better in (True, False):
        yield f.overview(None, None, None, 0, ease(better), 50)
    yield from (f.score(CSAT, "csat", 50), f.score(CSAT.assign(responses=3), "csat", 3), f.easy(ease(True)))
    yield f.easy(ease(True).assign(responses=3))
    yield from (f.score(ease(True), "ces", 50), f.score_by(scores("ces", 2.5, 6.1), "place", "ces"))
    yield f.trend(scores("ces", 2.5, 6.1), "ces", MEASURE)
    yield from (f.overview(None, None, None, 0, None, n) for n in (0, 1, 2, 5, 21, 100))
    yield from (f.touchpoints(ENGAGED), f.touchpoints(FEW), f.bounce(ENGAGED), f.bounce(FEW))
    yield from (
        f.channels(channels(channel=["web", None])),
        f.channels(channels()),
        f.channels(channels(conversion_rate_high=[0.7, 0.9])),
        f.channels(channels(customers=[1, 1])),
    )
    yield from (
        f.spend(channels()),
        f.spend(channels(channel="web")),
        f.spend(channels(cost_per_first_touch=[None, None])),
    )
    yield from (
        f.score_by(scores("nps", -10, 40, half=5), "place", "nps"),
        f.score_by(scores("csat", 0.2, 0.8), "place", "csat"),
        f.score_by(scores("nps", -10, 40, half=5).rename(columns={"place": "wave"}), "wave", "nps"),
        f.score_by(scores("csat", 0.2, 0.8).rename(columns={"place": "wave"}), "wave", "csat"),
        f.score_by(scores("ces", 2.5, 6.1).rename(columns={"place": "wave"}), "wave", "ces"),
    )
    yield from (
        f.score_by(scores("nps", 1, 2, half=5), "place", "nps"),
        f.score_by(scores("nps", 1, n=5), "place", "nps"),
    )
    yield from (f.score_of_pair(scores("nps", *v), "place", "group", "nps") for v in ((1, 2), (1,)))
    yield from (f.nps_split(frame(responses=[n], promoters=n // 2, detractors=n // 4)) for n in (0, 40))
    yield from (f.trend(scores(m, low, high), m, MEASURE) for m, low, high in (("csat", 0.2, 0.8), ("nps", -5, 40)))
    yield from (
        f.trend(scores("csat", 0.4, 0.5, half=0.2), "csat", MEASURE),
        f.trend(scores("csat", 0.4), "csat", MEASURE),
    )
    yield from engagement()
    yield from correlates()
    yield from differences()
    yield from (Text("{stage}", {"stage": f.stage(name)}) for name in (*f.STAGE_NAMES, None, "own stage"))
    yield Text(f.NOT_KNOWN)


def curve(contacts: str, rate: float, n: int = 200) -> pd.DataFrame:
    rates = [0.3, rate]
    return frame(touchpoint="Website", contacts=["0", contacts], customers=n, conversion_rate=rates,
                 conversion_rate_low=[r - 0.05 for r in rates], conversion_rate_high=[r + 0.05 for r in rates])  # fmt: skip


def engagement() -> Iterator[Text]:
    """Every sentence of findings_engagement.py."""
    f = findings_engagement
    yield from (f.groups(ENGAGED, "stage"), f.groups(FEW, "stage"))
    yield from (f.exposure(curve(contacts, 0.6)) for contacts in ("1", "2", "3", "5+", "1+"))
    yield from (f.exposure(curve("1", 0.31)), f.exposure(curve("1", 0.6, n=5)))
    months = frame(month=[date(2026, 1, 1)], is_partial=False, customers=100, stickiness=0.25)
    yield from (f.stickiness(months), f.stickiness(months.assign(is_partial=True)))
    days = frame(population=[100], share=0.4)
    yield from (f.active_days(days), f.active_days(days.assign(population=3)))
    means = frame(measure="clicks", named="Clicks", place=["web", "app"], known=[90, 80], contacts=100, customers=60,
                  mean=[4.0, 1.5], mean_low=[3.5, 1.0], mean_high=[4.5, 2.0])  # fmt: skip
    yield from (f.measures(means, "place", "named"), f.measures(means.assign(customers=3), "place", "named"))
    yield f.measures(means.assign(known=0), "place", "named")


def correlates() -> Iterator[Text]:
    """Every sentence of findings_drop_off.py."""
    f = findings_drop_off
    kinds = ("touchpoint", "channel", "touchpoint_type", "persona")
    for kind, trait, more in [(k, "Cart", more) for k in kinds for more in (True, False)] + [
        ("persona", None, True), ("persona", None, False)
    ]:  # fmt: skip
        shares = (0.6, 0.25) if more else (0.25, 0.6)
        row = frame(touchpoint=["Purchase"], kind=kind, trait=trait, lost_share_with=shares[0], lost_share_without=shares[1],
                    difference=shares[0] - shares[1], flagged=True, lost=40, compared=100)  # fmt: skip
        yield f.set_apart(row)
    yield from (f.set_apart(row.assign(flagged=False)), f.set_apart(row.assign(lost=0)), f.set_apart(row[:0]))
    scores = frame(what=["NPS", "CSAT"], difference=[-5.0, 0.1], p_value=[0.01, 0.2], flagged=[True, False])
    yield from (f.said(scores, "Cart"), f.said(scores.assign(difference=5.0), "Cart"))
    yield from (f.said(scores.assign(flagged=False), "Cart"), f.said(scores.assign(p_value=float("nan")), "Cart"))


def differences() -> Iterator[Text]:
    """Every sentence of findings_differences.py."""
    f = findings_differences
    for name, value in (("nps", 31.0), ("csat", 0.75), ("ces", 4.25)):
        row = frame(what=["Cart"], measure=name, value_a=value, value_b=value / 2, difference=value / 2, p_value=0.01,
                    flagged=True)  # fmt: skip
        yield from (f.strongest(row, METRICS[name].measures, several) for several in (True, False))
    yield f.strongest(row.assign(flagged=False), METRICS["ces"].measures, several=False)
    yield f.strongest(row.assign(p_value=float("nan")), METRICS["ces"].measures, several=False)


def parts(text: Text) -> Iterator[Text]:
    """The sentence, and the sentences in it."""
    yield text
    for value in text.values.values():
        if isinstance(value, Text):
            yield from parts(value)


def test_the_sample_frames_lead_to_every_sentence_of_the_findings() -> None:
    files = [
        ROOT / "cx_metrics" / name
        for name in ("findings.py", "findings_engagement.py", "findings_drop_off.py", "findings_differences.py")
    ]
    marked = {
        argument.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("N_", "NP_")
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    said = {words for text in spoken() for part in parts(text) for words in (part.source, part.many)}
    assert len(marked) > 40 and marked - said == set()


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_finding_is_shown_with_an_empty_place(code: str) -> None:
    reader = PageReader(code)
    shown = [reader.say(text) for text in spoken()]
    assert [words for words in shown if PLACE.search(words) or "None" in words or "nan" in words or not words] == []


@translated
def test_a_finding_keeps_its_numbers_in_every_language(code: str) -> None:
    # The same figures, in the reader's own digits: a translation that drops or doubles one changes what is said.
    reader, english = PageReader(code, digits="latin", calendar="gregorian"), PageReader("en")

    def figures(words: str) -> list[str]:
        plain = words.translate({ord(sign): None for sign in "\u2066\u2067\u2068\u2069"}).replace("٪", "%")
        plain = re.sub(r"Place \d|Step \d", "", plain)
        return sorted(re.findall(r"\d+%?", plain.replace("\u00a0", "").replace(",", ".").replace(".", "")))

    spelt = {0, 1, 2} if code == "ar" else {1}  # which may be words, or no word at all
    changed = [
        (english.say(text), reader.say(text))
        for text in spoken()
        if (text.many is None or text.count not in spelt) and figures(english.say(text)) != figures(reader.say(text))
    ]
    assert changed == []


class Pseudo(gnu.NullTranslations):
    """A language in which every message is itself between brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


def test_every_finding_passes_through_the_catalogue_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "catalogue", lambda _code: Pseudo())
    reader = PageReader("ru")
    for text in spoken():
        shown = reader.say(text)
        assert shown.startswith("⟦") and shown.endswith("⟧"), shown
        assert shown.count("⟦") == len(list(parts(text))), shown
