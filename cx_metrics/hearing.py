"""Comments on their way into a dataset: each is read once, for its language, its feeling and its theme.

To read one comment, all have to be known: a classifier learns from those with a score, and themes are found in many. So the
answers wait in a file until the last has arrived; then they go on, with the columns of `tables.HEARD` added.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cx_metrics.comments.labels import label_of
from cx_metrics.comments.languages import languages_of
from cx_metrics.comments.normalise import plain
from cx_metrics.comments.search import searchable
from cx_metrics.comments.sentiment import read_sentiment
from cx_metrics.comments.theme_edits import ThemeEdit, apply_edits
from cx_metrics.comments.themes import Themes, find_themes
from cx_metrics.engines.incoming import Incoming
from cx_metrics.heard import Heard, LanguageHeard, ThemeHeard
from cx_metrics.logs import described, event
from cx_metrics.tables import HEARD

WAITING = "answers.arrow"
ASKED = (
    "survey_type",
    "score",
    "score_status",
    "scale_low",
    "scale_high",
    "higher_is_better",
    "language",
    "comment",
)
TYPES = {"string": pa.string(), "float64": pa.float64()}


@dataclass
class Hearing:
    """Reads the comments of a dataset on their way into an engine. `folder`: where answers wait meanwhile; `edits`: what people
    called themes, or hid; `begins` is called when the last answer has arrived. `heard`, `forgotten` (edits whose theme is not
    there any more) and `failed` (comments could not be read, by a fault of ours: the answers came in without) are known
    afterwards."""

    folder: Path
    edits: Sequence[ThemeEdit] = ()
    begins: Callable[[], None] = lambda: None
    heard: Heard | None = None
    forgotten: tuple[ThemeEdit, ...] = ()
    failed: bool = False

    def over(self, tables: Mapping[str, Incoming]) -> dict[str, Incoming]:
        """The same tables; the answers with what was read in their comments."""
        answers = tables.get("surveys")
        if answers is None or "comment" not in answers.schema.names:
            return dict(tables)
        made = [pa.field(name, TYPES[kind]) for name, kind in HEARD.items()]
        schema = pa.schema([*answers.schema, *made])
        return {**tables, "surveys": replace(answers, schema=schema, batches=self._read(answers))}

    def _read(self, answers: Incoming) -> Iterator[pa.RecordBatch]:
        waiting = self.folder / WAITING
        columns: dict[str, list[Any]] = {name: [] for name in ASKED}
        writer, rows = None, 0
        with pa.OSFile(str(waiting), "wb") as file:
            for batch in answers.batches:
                writer = writer or pa.ipc.new_file(file, batch.schema)
                writer.write_batch(batch)
                _take(columns, batch, rows)
                rows += batch.num_rows
            if writer is not None:
                writer.close()
        if writer is None:
            return
        self.begins()
        read = self._try(pd.DataFrame({n: pd.concat(c) if c else [] for n, c in columns.items()}))
        with pa.memory_map(str(waiting)) as file:
            kept, first = pa.ipc.open_file(file), 0
            for i in range(kept.num_record_batches):
                batch = kept.get_batch(i)
                yield _with(batch, answers.schema, read, first)
                first += batch.num_rows
        waiting.unlink()

    def _try(self, commented: pd.DataFrame) -> pd.DataFrame:
        """What each comment says, or nothing where reading fails: what people answered is worth more than what we make of it."""
        try:
            return self._understand(commented)
        except MemoryError:  # the import is tried again with more, or says that it needs it
            raise
        except Exception as fault:
            self.heard, self.forgotten, self.failed = None, (), True
            event("comments_not_read", kind=type(fault).__name__, comments=len(commented))
            print(described(fault), file=sys.stderr, flush=True)
            return pd.DataFrame({name: pd.Series(dtype=object) for name in HEARD})

    def _understand(self, commented: pd.DataFrame) -> pd.DataFrame:
        """What each comment says, by the number of its row."""
        comments = commented["comment"].tolist()
        spelled = plain(comments)
        languages = languages_of(comments, commented["language"].tolist())
        sentiment = read_sentiment(comments, languages, _labels(commented))
        themes = find_themes(comments, languages, plain_texts=spelled)
        if self.edits and len(themes.themes):
            edited = apply_edits(themes, self.edits)
            themes, self.forgotten = edited.themes, edited.unmatched
        self.heard = _heard(sentiment.proofs, themes)
        shown = dict(zip(themes.themes["theme"], themes.themes["name"], strict=True))
        hidden = set(themes.themes.loc[themes.themes["hidden"].astype(bool), "theme"])
        return pd.DataFrame(
            {
                "comment_language": [language or None for language in languages],
                "sentiment": [found or None for found in sentiment.classes],
                "sentiment_score": sentiment.scores,
                "theme": [None if n in hidden else shown.get(n) for n in themes.theme.tolist()],
                "theme_nearness": np.where(themes.theme > 0, themes.nearness, np.nan),
                "comment_words": searchable(spelled),
            },
            index=commented.index,
        )


def _take(columns: dict[str, list[Any]], batch: pa.RecordBatch, first: int) -> None:
    """Keep of a batch what reading needs: rows with a comment, by their number, and the scores given with them."""
    there = pa.compute.greater(pa.compute.utf8_length(pa.compute.utf8_trim_whitespace(batch["comment"])), 0).fill_null(
        False
    )
    rows = np.flatnonzero(there.to_numpy(zero_copy_only=False))
    for name in ASKED:
        held = batch[name].take(pa.array(rows)) if name in batch.schema.names else pa.nulls(len(rows))
        columns[name].append(pd.Series(held.to_pylist(), index=rows + first, dtype=object))


def _labels(commented: pd.DataFrame) -> Any:
    """What the score beside each comment says of it."""
    valid = (commented["score_status"] == "valid").to_numpy()
    score = np.where(valid, pd.to_numeric(commented["score"]).to_numpy(dtype=float), math.nan)
    low, high = (pd.to_numeric(commented[name]).to_numpy(dtype=float) for name in ("scale_low", "scale_high"))
    better = commented["higher_is_better"].fillna(True).to_numpy(dtype=bool)
    return label_of(score, low, high, better, commented["survey_type"].to_numpy(dtype=object))


def _with(batch: pa.RecordBatch, schema: pa.Schema, read: pd.DataFrame, first: int) -> pa.RecordBatch:
    """The batch with what was read beside its own columns, before those that only say which upload a row came with."""
    mine = read.reindex(range(first, first + batch.num_rows))
    made = {
        name: pa.array(mine[name].astype(object).where(mine[name].notna(), None), type=TYPES[kind])
        for name, kind in HEARD.items()
    }
    own = {name: batch[name] for name in schema.names}
    rest = {name: batch[name] for name in batch.schema.names if name not in own}
    return pa.RecordBatch.from_pydict({**own, **made, **rest})


def _heard(proofs: pd.DataFrame, themes: Themes) -> Heard:
    languages = tuple(
        LanguageHeard(
            str(row["language"]), int(row["comments"]), int(row["labelled"]), str(row["method"]), bool(row["unproven"]),
            int(row["n"] or 0), *(_number(row[name]) for name in (
                "accuracy", "accuracy_low", "accuracy_high", "kappa", "macro_f1", "majority_accuracy", "own_accuracy",
                "list_accuracy",
            )),
        )
        for row in proofs.to_dict("records")
    )  # fmt: skip
    found = tuple(
        ThemeHeard(
            str(row["language"]), str(row["name"]), tuple(map(str, row["terms"])), int(row["comments"]),
            _number(row["coherence"]), _number(row["stability"]), bool(row["hidden"]),
        )
        for row in themes.themes.to_dict("records")
    )  # fmt: skip
    stability = {language: float(s.adjusted_rand) for language, s in themes.stability.items()}
    return Heard(languages, found, stability, {language: why.to_dict() for language, why in themes.notes.items()})


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
