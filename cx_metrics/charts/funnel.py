"""Where do we lose them? The steps of a funnel as bars from one zero: who is left, and who was lost since the step before."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from cx_metrics.charts.fields import STRAIT, Fields, room_for_words, width_of
from cx_metrics.charts.picture import Numbers, Series, amounts, with_numbers
from cx_metrics.charts.theme import Reader, themed, tokens
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, NP_, Text

LOST = NP_("{count} lost since the step before", "{count} lost since the step before")
# i18n: of a step of a funnel: so many came to it
REACHED_WORD = N_("Reached")
LOST_WORD = N_("Lost since the step before")
REACHED = N_("{touchpoint}: {customers} customers, {first_share} of the first step")


def draw_funnel(
    frame: pd.DataFrame, reader: Reader, names: Mapping[str, str] | None = None, worst: int | None = None
) -> alt.LayerChart:
    """One row per step of `funnel`: step, touchpoint, customers, share_of_first (with _low and _high), drop_off.

    Solid bar: reached; pale segment: lost since the step before, stronger at the step `worst`; a short rule at the end of
    the bar: its interval; beside it `customers · share`. Never a trapezoid, always from zero.
    """
    t = tokens(reader.mode)
    rows = frame.sort_values("step", kind="stable").to_dict("records")
    f = _fields(rows, reader, names or {}, worst)
    words = 14 + width_of(f.frame[f["written"]], 7.2)
    scale = alt.Scale(domainMin=0, domainMax=alt.ExprRef(room_for_words(words)), nice=False, reverse=reader.rtl)

    def at(column: str) -> alt.X:
        return alt.X(field=f[column], type="quantitative", scale=scale, axis=None)

    side = alt.Axis(orient="right" if reader.rtl else "left", labelFontSize=13, labelColor=t.text, labelLimit=150)
    y = alt.Y(field=f["name"], type="nominal", sort=list(f.frame[f["name"]]), title=None, axis=side)
    base = alt.Chart(f.frame).encode(y=y)
    lost = base.mark_bar(size=30, color=t.drop_off, cornerRadius=2).encode(
        x=at("share"),
        x2=alt.X2(field=f["before"]),
        opacity=alt.Opacity(field=f["strength"], type="quantitative", scale=None),
        tooltip=f.tooltip("lost"),
    )
    reached = base.mark_bar(size=30, color=t.accent, cornerRadius=2).encode(x=at("share"), tooltip=f.tooltip("tip"))
    rule = base.mark_rule(strokeWidth=2, color=t.text).encode(x=at("low"), x2=alt.X2(field=f["high"]))
    outside = base.mark_text(
        fontSize=13, fontWeight=600, align="right" if reader.rtl else "left", dx=-10 if reader.rtl else 10
    )
    label = outside.encode(x=at("before"), text=f.text("written"))
    known = f.frame[[f["share"], f["before"], f["low"], f["high"]]]
    share, _before, least, most = (amounts(known[column]) for column in known.columns)
    lost_shares = [b - s for b, s in zip(known[f["before"]], known[f["share"]], strict=True)]
    went = [t.drop_off if row["step"] == worst else t.other for row in rows]
    series = [
        Series(reader.say(REACHED_WORD), share, least, most, list(f.frame[f["written"]]), [t.accent] * len(rows)),
        Series(reader.say(LOST_WORD), lost_shares, colours=went),
    ]
    numbers = Numbers("funnel", list(f.frame[f["name"]]), series, True, mirrored=reader.rtl)
    return with_numbers(themed([lost, reached, rule, label], reader, alt.Step(54)), numbers)


def _fields(rows: list[dict[object, object]], reader: Reader, names: Mapping[str, str], worst: int | None) -> Fields:
    shares = [_share(row["share_of_first"]) for row in rows]
    touchpoints = [names.get(str(row["touchpoint"]), str(row["touchpoint"])) for row in rows]
    customers = [int(str(row["customers"])) for row in rows]
    lost = [int(str(row["drop_off"])) for row in rows]  # at an optional step nobody
    entrants = max(customers[:1] or [1]) or 1
    return Fields(
        # a touchpoint may be two steps: the same name keeps its own row by a sign nobody sees
        name=[safe(name, "canvas") + STRAIT * touchpoints[:i].count(name) for i, name in enumerate(touchpoints)],
        share=shares,
        before=[share + n / entrants for share, n in zip(shares, lost, strict=True)],
        low=[_share(row.get("share_of_first_low"), share) for row, share in zip(rows, shares, strict=True)],
        high=[_share(row.get("share_of_first_high"), share) for row, share in zip(rows, shares, strict=True)],
        strength=[0.75 if row["step"] == worst else 0.22 for row in rows],
        written=[_beside(n, share, reader) for n, share in zip(customers, shares, strict=True)],
        lost=[reader.say(Text(LOST[0], {"count": n}, many=LOST[1], count=n)) for n in lost],
        tip=[
            reader.say(Text(REACHED, {"touchpoint": name, "customers": n, "first_share": share}))
            for name, n, share in zip(touchpoints, customers, shares, strict=True)
        ],
    )


def _beside(customers: int, share: float, reader: Reader) -> str:
    count, part = reader.number(customers), reader.percent(share)
    return reader.isolate(f"{reader.isolate(count)} · {reader.isolate(part)}") if reader.rtl else f"{count} · {part}"


def _share(value: object, otherwise: float = 0.0) -> float:
    return otherwise if value is None or bool(pd.isna(value)) else float(value)  # type: ignore[call-overload, arg-type]
