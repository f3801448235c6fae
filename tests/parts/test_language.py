"""Numbers, dates and sentences as readers of the four languages write them."""

import datetime
from pathlib import Path

import pytest

from cx_metrics.texts import NP_, Text
from pages.parts import language
from pages.parts.language import PageReader

EN, AR, FA, RU = (PageReader(code) for code in ("en", "ar", "fa", "ru"))
FIRST, LAST = datetime.date(2026, 10, 1), datetime.date(2026, 10, 31)
FSI, LRI, RLI, PDI = "\u2068", "\u2066", "\u2067", "\u2069"


@pytest.fixture
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small Russian and Arabic catalogue in place of ours."""
    texts = {
        "ru": 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n'
        "Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : "
        'n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"\n\n'
        'msgid "{name} lost {part_share}"\nmsgstr "Потеряно {part_share}: {name}"\n\n'
        'msgid "{number} day"\nmsgid_plural "{number} days"\n'
        'msgstr[0] "{number} день"\nmsgstr[1] "{number} дня"\nmsgstr[2] "{number} дней"\n\n'
        'msgid "{count} customer"\nmsgid_plural "{count} customers"\n'
        'msgstr[0] "{count} клиент"\nmsgstr[1] "{count} клиента"\nmsgstr[2] "{count} клиентов"\n',
    }
    for code, text in texts.items():
        folder = tmp_path / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "touchline.po").write_text(text, encoding="utf-8")
    monkeypatch.setattr(language, "LOCALE", tmp_path)
    language.catalogue.cache_clear()
    yield tmp_path
    language.catalogue.cache_clear()


@pytest.mark.parametrize(
    ("reader", "number", "share", "change"),
    [
        (EN, "48,210", "6.8%", "−0.6"),
        (AR, "٤٨٬٢١٠", "٦٫٨٪", "−٠٫٦"),
        (FA, "۴۸٬۲۱۰", "۶٫۸٪", "−۰٫۶"),
        (RU, "48\u00a0210", "6,8\u00a0%", "−0,6"),
    ],
)
def test_numbers_are_written_as_in_the_language(reader: PageReader, number: str, share: str, change: str) -> None:
    assert reader.number(48210) == number
    assert reader.percent(0.068, 1) == share
    assert reader.number(-0.6, 1, sign=True) == change


def test_plus_only_where_asked_and_never_at_zero() -> None:
    assert EN.number(5, sign=True) == "+5"
    assert EN.number(-0.04, 1, sign=True) == "0.0"


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_number_is_a_dash(missing: float | None) -> None:
    assert EN.number(missing) == EN.percent(missing) == EN.duration(missing) == "–"


def test_latin_digits_may_be_kept() -> None:
    assert PageReader("fa", digits="latin").number(48210.5, 1) == "48,210.5"


@pytest.mark.parametrize(
    ("reader", "shown"),
    [(EN, "1–31 Oct 2026"), (AR, "١–٣١ أكتوبر ٢٠٢٦"), (FA, "۹ مهر – ۹ آبان ۱۴۰۵"), (RU, "1–31 окт. 2026")],
)
def test_a_range_of_dates_says_once_what_both_share(reader: PageReader, shown: str) -> None:
    assert reader.dates(FIRST, LAST) == shown


def test_ranges_over_months_and_years() -> None:
    assert EN.dates(datetime.date(2026, 9, 3), LAST) == "3 Sep – 31 Oct 2026"
    assert EN.dates(datetime.date(2025, 12, 31), FIRST) == "31 Dec 2025 – 1 Oct 2026"
    assert EN.dates(FIRST, FIRST) == EN.date(FIRST) == "1 Oct 2026"


@pytest.mark.parametrize(("reader", "shown"), [(EN, "Oct"), (AR, "أكتوبر"), (FA, "اکتبر"), (RU, "окт")])
def test_months_on_axes(reader: PageReader, shown: str) -> None:
    """As they are cut: 1 October is 9 Mehr, and the month that begins there is not Mehr."""
    assert reader.month(FIRST) == shown


def test_the_gregorian_calendar_may_be_kept_in_persian() -> None:
    assert PageReader("fa", calendar="gregorian").date(FIRST) == "۱ اکتبر ۲۰۲۶"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "under a minute"),
        (59, "under a minute"),
        (60, "1 minute"),
        (1500, "25 minutes"),
        (3600, "1 hour"),
        (5400, "1.5 hours"),
        (86_400, "1 day"),
        (86_400 * 3.4, "3.4 days"),
        (86_400 * 12.3, "12 days"),
    ],
)
def test_durations_in_words(seconds: float, shown: str) -> None:
    assert EN.duration(seconds) == shown


def test_durations_take_the_plural_of_the_language(catalogues: Path) -> None:
    days = [RU.duration(86_400 * n) for n in (1, 3.4, 12)]
    assert days == ["1 день", "3,4 дня", "12 дней"]


def test_sentences_are_translated_with_their_values(catalogues: Path) -> None:
    assert RU.say(Text("{name} lost {part_share}", {"name": "Cart", "part_share": 0.38})) == "Потеряно 38\u00a0%: Cart"
    one, many = NP_("{count} customer", "{count} customers")
    assert [RU.say(Text(one, {"count": n}, many, n)) for n in (1, 2, 5)] == ["1 клиент", "2 клиента", "5 клиентов"]


def test_a_missing_catalogue_or_message_is_english(catalogues: Path) -> None:
    assert PageReader("fa").say("Overview") == "Overview"
    assert RU.say(Text("no such message {n}", {"n": 2.5})) == "no such message 2,5"


def test_english_says_what_the_text_says_itself() -> None:
    text = Text("{name} lost {part_share} of {count}", {"name": "Cart", "part_share": 0.384, "count": 5290})
    assert EN.say(text) == str(text) == "Cart lost 38% of 5,290"


def test_data_in_a_sentence_is_isolated_where_it_could_turn_it() -> None:
    assert EN.say(Text("{a} grew", {"a": "سلام"})) == f"{FSI}سلام{PDI} grew"
    assert FA.say(Text("{a} grew", {"a": "Cart"})) == f"{FSI}Cart{PDI} grew"
    assert EN.say(Text("{a} grew", {"a": "x\u202ey\u2069"})) == "xy grew"


def test_texts_inside_texts_are_translated_too(catalogues: Path) -> None:
    inner = Text("{name} lost {part_share}", {"name": "A", "part_share": 0.1})
    assert RU.say(Text("{what}!", {"what": inner})) == "Потеряно 10\u00a0%: A!"


def test_braces_in_data_are_not_places() -> None:
    assert EN.say(Text("{a} and {b}", {"a": "{b}", "b": 1})) == "{b} and 1"


def test_signs_stand_where_the_language_puts_them() -> None:
    assert AR.isolate("−٠٫٦") == f"{RLI}−٠٫٦{PDI}"
    assert FA.isolate("−۰٫۶") == f"{LRI}−۰٫۶{PDI}"
    assert FA.isolate("۶٫۸٪") == f"{RLI}{LRI}۶٫۸{PDI}٪{PDI}"


def test_work_outside_a_run_speaks_the_language_it_is_told() -> None:
    with language.speaking("fa"):
        assert language.current_language() == "fa"
    assert language.current_language() == "en"
