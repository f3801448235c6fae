"""What the columns of a result are called in the reader's words, and how their numbers are written in a workbook."""

from __future__ import annotations

import pandas as pd

from cx_metrics.exports.book import Format
from cx_metrics.registry import Metric
from cx_metrics.texts import N_, Text
from pages.parts.view_words import label

FORMATS: dict[str, Format] = {
    "count": "whole", "share": "share", "points": "score", "seconds": "number", "score": "number", "money": "number",
    "per customer": "number", "ratio": "number", "rank": "whole", "name": "text",
}  # fmt: skip
LOW, HIGH = N_("{measure}, low end of the interval"), N_("{measure}, high end of the interval")
IN_SECONDS = N_("{measure}, in seconds")
COUNTS = {
    "customers": N_("Customers"),
    "journeys": N_("Journeys"),
    "responses": N_("Responses"),
    "touchpoints": N_("Touchpoints"),
}


def in_words(metric: Metric, frame: pd.DataFrame) -> dict[str, tuple[Text, Format]]:
    """Title and format of each measure of the metric that the frame has, its bounds too; and of the columns pages filter by."""
    found: dict[str, tuple[Text, Format]] = {}
    for column in frame.columns:
        name = str(column)
        base, words = _base(name, metric)
        if base:
            measure = metric.measures[base]
            title = Text(measure.title)
            if measure.unit == "seconds":
                title = Text(IN_SECONDS, {"measure": title})
            found[name] = (Text(words, {"measure": title}) if words else title, FORMATS[measure.unit])
        elif name in COUNTS:
            found[name] = (Text(COUNTS[name]), "whole")
        elif label(name).source != "{name}":
            found[name] = (label(name), "text")
    return found


def _base(name: str, metric: Metric) -> tuple[str, str]:
    """The measure a column belongs to, and the words for a bound of it."""
    if name in metric.measures:
        return name, ""
    for end, words in (("_low", LOW), ("_high", HIGH)):
        if name.endswith(end) and name.removesuffix(end) in metric.measures:
            return name.removesuffix(end), words
    return "", ""
