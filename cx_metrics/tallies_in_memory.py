"""Survey answers added up from memory: what tallies tell of views that ask to have met something, told apart by any columns.

How equal answers are is found once for all views; a view then says how many of each it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import ibis
import pandas as pd

from cx_metrics.answers import made_here
from cx_metrics.datasets import Dataset
from cx_metrics.tallies import SCORED, TIMES, is_taken, is_tallied, source_of
from cx_metrics.view import View
from cx_metrics.whose import PERSON, Alike, are_few, only_met

MOST_SHARE = 0.25  # of the answers: where more of them differ, they are as well read one by one
WORDS = "comment_words"  # tells apart whether there are any


def tally_here(dataset: Dataset, view: View, by: Sequence[str]) -> pd.DataFrame | None:
    """The answers that a view leaves, added up by these columns, with `TIMES`; None where the view asks for more than to have met
    something, tallies tell it already, or there is too much to tell apart."""
    surveys = dataset.tables.get("surveys")
    if surveys is None or is_taken(surveys) or made_here(by, dataset.tables):
        return None
    columns = tuple(sorted({*SCORED, *map(source_of, by)}))
    if PERSON in columns or not set(columns) <= set(surveys.columns) or is_tallied(dataset.tables, view, by):
        return None
    people = only_met(dataset, view)  # first: other views need not wait until all answers are in memory
    if people is None or not are_few(dataset):
        return None
    alike: Alike | None = dataset.shelf.get(("alike", columns), partial(_alike, surveys, columns, dataset))
    if alike is None:
        return None
    times = alike.times(people)
    return alike.rows[times > 0].assign(**{TIMES: times[times > 0]})


def as_tally(lent: ibis.Table, surveys: ibis.Table) -> ibis.Table:
    """A lent tally with the types that the columns of the answers have."""
    return lent.mutate(**{c: lent[c].cast(surveys[c].type()) for c in lent.columns if c != TIMES})


def _alike(surveys: ibis.Table, columns: Sequence[str], dataset: Dataset) -> Alike | None:
    """All answers by how they are equal; None where too few are."""
    told = {c: ibis.ifelse(surveys[c].notnull(), "", None) if c == WORDS else surveys[c] for c in columns}
    return Alike.of(dataset, surveys.select(**{PERSON: surveys.customer_number, **told}), MOST_SHARE)
