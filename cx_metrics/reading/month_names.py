"""Names of months, days of the week and eras, as dates in eight languages write them.

Compared in plain letters (`aliases.plain`): case, dots, accents, joiners and the two spellings of Arabic letters do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cx_metrics.reading.aliases import plain, words

GREGORIAN, JALALI, HIJRI = "gregorian", "jalali", "hijri"

# One line a language or spelling: January to December, the spellings of one month parted by |.
_GREGORIAN = (
    "january|jan, february|feb, march|mar, april|apr, may, june|jun, july|jul, august|aug, "
    "september|sep|sept, october|oct, november|nov, december|dec",
    "يناير, فبراير, مارس, أبريل|ابريل|إبريل, مايو, يونيو|يونيه|يونية, يوليو|يوليه|يولية, أغسطس|اغسطس, "
    "سبتمبر, أكتوبر|اكتوبر, نوفمبر, ديسمبر",
    "كانون الثاني, شباط, آذار, نيسان, أيار, حزيران, تموز, آب, أيلول, تشرين الأول, تشرين الثاني, كانون الأول",
    "جانفي, فيفري, مارس, أفريل, ماي, جوان, جويلية|يوليوز, أوت|غشت, شتنبر, أكتوبر, نونبر, دجنبر",
    "ژانویه|جنوری, فوریه|فبروری, مارس|مارچ, آوریل|اپریل, مه|می, ژوئن|جون, ژوئیه|جولای, اوت|آگوست|اگست, "
    "سپتامبر|سپتمبر, اکتبر|اکتوبر, نوامبر|نومبر, دسامبر|دسمبر",
    "января|январь|янв, февраля|февраль|фев|февр, марта|март|мар, апреля|апрель|апр, мая|май, "
    "июня|июнь|июн, июля|июль|июл, августа|август|авг, сентября|сентябрь|сен|сент, октября|октябрь|окт, "
    "ноября|ноябрь|ноя|нояб, декабря|декабрь|дек",
    "januar|jänner|jan|jän, februar|feber, märz|mär|mrz|maerz, april, mai, juni, juli, august, september, "
    "oktober|okt, november, dezember|dez",
    "janvier|janv, février|févr|fév, mars, avril|avr, mai, juin, juillet|juil, août, septembre, octobre, "
    "novembre, décembre|déc",
    "enero|ene, febrero, marzo, abril|abr, mayo, junio, julio, agosto|ago, septiembre|setiembre|set, "
    "octubre, noviembre, diciembre|dic",
)  # fmt: skip
_JALALI = (
    "فروردین, اردیبهشت, خرداد, تیر, مرداد|امرداد, شهریور, مهر, آبان, آذر, دی, بهمن, اسفند",
    "حمل, ثور, جوزا, سرطان, اسد, سنبله, میزان, عقرب, قوس, جدی, دلو, حوت",
    "farvardin, ordibehesht, khordad, tir, mordad|amordad, shahrivar, mehr, aban, azar, dey, bahman, esfand",
)
_HIJRI = (
    "محرم|المحرم, صفر, ربيع الأول, ربيع الآخر|ربيع الثاني, جمادى الأولى|جمادى الأول, "
    "جمادى الآخرة|جمادى الثانية|جمادى الثاني, رجب, شعبان, رمضان, شوال, ذو القعدة|ذي القعدة|ذيقعدة, "
    "ذو الحجة|ذي الحجة|ذيحجة",
    "muharram, safar, rabi al awwal|rabi i, rabi al thani|rabi al akhir|rabi ii, "
    "jumada al ula|jumada al awwal|jumada i, jumada al akhirah|jumada al thani|jumada ii, rajab, shaban, "
    "ramadan, shawwal, dhu al qadah|dhul qadah, dhu al hijjah|dhul hijjah",
)  # fmt: skip
_WEEKDAYS = (
    "monday|mon, tuesday|tue|tues, wednesday|wed, thursday|thu|thur|thurs, friday|fri, saturday|sat, sunday|sun",
    "الاثنين|الإثنين|اثنين, الثلاثاء|ثلاثاء, الأربعاء|أربعاء, الخميس|خميس, الجمعة|جمعة, السبت|سبت, الأحد|أحد",
    "دوشنبه, سه شنبه, چهارشنبه, پنجشنبه, جمعه|آدینه, شنبه, یکشنبه",
    "понедельник|пн, вторник|вт, среда|ср, четверг|чт, пятница|пт, суббота|сб, воскресенье|вс",
    "montag|mo, dienstag|di, mittwoch|mi, donnerstag|do, freitag|fr, samstag|sonnabend|sa, sonntag|so",
    "lundi|lun, mardi|mar, mercredi|mer, jeudi|jeu, vendredi|ven, samedi|sam, dimanche|dim",
    "lunes|lun, martes|mar, miércoles|mié, jueves|jue, viernes|vie, sábado|sáb, domingo|dom",
)
_ERAS = {
    GREGORIAN: "ad, ce, م, ميلادي, میلادی, г, год, года",
    JALALI: "ش, ه.ش, شمسی, خورشیدی, هجری شمسی, هجری خورشیدی, sh, ap, solar hijri",
    HIJRI: "ه, ه.ق, ق, قمری, هجری قمری, هجري, للهجرة, ah, hijri",
}
_FILLERS = frozenset(
    {"st", "nd", "rd", "th", "of", "de", "del", "den", "le", "the", "من", "ماه", "е", "го", "at", "في", "в"}
)


def _known(lines: Iterable[str]) -> dict[str, int]:
    """Each spelling in plain letters → its place in its line, from 1."""
    return {
        plain(name): place
        for line in lines
        for place, names in enumerate(line.split(","), 1)
        for name in names.split("|")
    }


_MONTHS = {GREGORIAN: _known(_GREGORIAN), JALALI: _known(_JALALI), HIJRI: _known(_HIJRI)}
_DAYS = frozenset(_known(_WEEKDAYS))
_ERA_OF = {plain(name): calendar for calendar, names in _ERAS.items() for name in names.split(",")}


@lru_cache(maxsize=4096)
def month(phrase: str) -> tuple[str, int] | None:
    """The calendar and the number of the month that a phrase names, a day of the week before it skipped.

    A month may be named twice, as in Arabic papers: "كانون الثاني/يناير". None where the phrase says anything else.
    """
    found = {_month(part) for part in phrase.split("/") if words(part)}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=4096)
def is_weekday(phrase: str) -> bool:
    """Whether a phrase is nothing, or a day of the week."""
    name = "".join(word for word in words(phrase) if word not in _FILLERS)
    return not name or name in _DAYS


@lru_cache(maxsize=4096)
def era(phrase: str) -> str | None:
    """The calendar whose era a phrase behind a date names; "" where it says nothing, None where it is something else."""
    name = "".join(word for word in words(phrase) if word not in _FILLERS)
    return _ERA_OF.get(name) if name else ""


def _month(part: str) -> tuple[str, int] | None:
    said = [word for word in words(part) if word not in _FILLERS]
    for skipped in range(min(len(said), 3)):  # سه شنبه is a day in two words
        if skipped and "".join(said[:skipped]) not in _DAYS:
            continue
        name = "".join(said[skipped:])
        for calendar, known in _MONTHS.items():
            if name in known:
                return calendar, known[name]
    return None
