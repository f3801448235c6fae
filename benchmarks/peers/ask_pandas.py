"""pandas, as somebody who knows it well would write it: codes instead of names, one sort ahead, no Python per row."""

from __future__ import annotations

import gc

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from protocol import Peer, links, ranked

peer = Peer("pandas", "pyarrow", "numpy")
events = pd.DataFrame()
names: list[str] = []
personas: list[str] = []
whole = pd.Series(dtype="category")
as_read = pd.DataFrame()


def read(parquet: str, *more: str) -> pd.DataFrame:
    """The columns that the questions need; names and personas as codes."""
    global names, personas
    wanted = ["customer_id", "touchpoint", "persona", *more]
    frame = pq.read_table(parquet, columns=wanted, read_dictionary=["touchpoint", "persona"]).to_pandas()
    names, personas = list(frame["touchpoint"].cat.categories), list(frame["persona"].cat.categories)
    return frame.assign(touchpoint=frame["touchpoint"].cat.codes, persona=frame["persona"].cat.codes)


@peer.preparation
def sorted_frame(parquet: str, **_paths: str) -> None:
    """Read, sort by customer, time and place in the file, keep what is needed."""
    global events
    frame = read(parquet, "occurred_at", "sequence").sort_values(["customer_id", "occurred_at", "sequence"])
    events = frame[["customer_id", "touchpoint", "persona"]].reset_index(drop=True)
    del frame
    gc.collect()


@peer.preparation
def plain_frame(parquet: str, **_paths: str) -> None:
    """Read the columns as they are, in the order of the file."""
    global as_read
    wanted = ["customer_id", "occurred_at", "sequence", "touchpoint", "persona"]
    as_read = pq.read_table(parquet, columns=wanted, read_dictionary=["touchpoint", "persona"]).to_pandas()


@peer.preparation
def sorted_file(parquet: str, **_paths: str) -> None:
    """Read a file that somebody has sorted before, so that sorting costs no memory here."""
    global events
    ordered = parquet.replace(".parquet", "_sorted.parquet")
    events = read(ordered)


@peer.preparation
def columns(**_paths: str) -> None:
    """On top of the sorted frame: the step and what comes next, as our store keeps them."""
    steps = events.groupby("customer_id", sort=False).cumcount() + 1
    events["step"] = steps.astype("int16")
    events["following"] = following(events).astype("int8")


@peer.preparation
def paths(**_paths: str) -> None:
    """The whole path of each customer as a code, as our store keeps it."""
    global whole
    whole = joined().astype("category")


@peer.preparation
def timed_frame(parquet: str, **_paths: str) -> None:
    """The sorted frame with times as whole microseconds, for windows."""
    global events
    frame = read(parquet, "occurred_at", "sequence").sort_values(["customer_id", "occurred_at", "sequence"])
    frame = frame.assign(at=frame["occurred_at"].astype("datetime64[us]").astype("int64"))
    events = frame[["customer_id", "touchpoint", "at"]].reset_index(drop=True)
    del frame
    gc.collect()


def following(frame: pd.DataFrame) -> pd.Series:
    """The next touchpoint of the same customer; -1 at the end."""
    same = frame["customer_id"].eq(frame["customer_id"].shift(-1))
    return frame["touchpoint"].shift(-1, fill_value=-1).where(same, -1)


def merged(frame: pd.DataFrame) -> pd.DataFrame:
    """Equal neighbours of one customer as one row, the last of the run."""
    return frame[following(frame) != frame["touchpoint"]]


def counted(frame: pd.DataFrame, steps: int, top: int) -> pd.DataFrame:
    """Count moves of the first steps, then fold the small touchpoints of each step."""
    shown = frame[frame["step"] <= steps]
    sizes = shown.groupby(["step", "touchpoint", "following"]).size()
    rows = [
        (int(step), names[source], None if target < 0 else names[target], int(n))
        for (step, source, target), n in sizes.items()
    ]
    return pd.DataFrame(links(rows, steps, top), columns=["step", "source", "target", "kind", "journeys"])


def plain(frame: pd.DataFrame) -> list[list[object]]:
    """The rows of the answer, off the clock."""
    return frame.values.tolist()


@peer.question(plain)
def links_on_the_fly(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """Filter, number the steps, look one row ahead, count."""
    kept = events[events["persona"] == personas.index(persona)]
    if repeats == "merge":
        kept = merged(kept)
    kept = pd.DataFrame({
        "step": kept.groupby("customer_id", sort=False).cumcount() + 1,
        "touchpoint": kept["touchpoint"],
        "following": following(kept),
    })  # fmt: skip
    return counted(kept, steps, top)


@peer.question(plain)
def links_as_usually_written(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """Filter, sort, `groupby(…).shift()`, count: what most notebooks do, without thinking of speed."""
    kept = as_read[as_read["persona"] == persona].sort_values(["customer_id", "occurred_at", "sequence"])
    if repeats == "merge":
        kept = kept[kept.groupby("customer_id")["touchpoint"].shift(-1) != kept["touchpoint"]]
    journey = kept.groupby("customer_id")
    kept = kept.assign(step=journey.cumcount() + 1, following=journey["touchpoint"].shift(-1))
    shown = kept[kept["step"] <= steps]
    sizes = shown.groupby(["step", "touchpoint", "following"], observed=True, dropna=False).size()
    rows = [(int(step), a, b if isinstance(b, str) else None, int(n)) for (step, a, b), n in sizes.items()]
    return pd.DataFrame(links(rows, steps, top), columns=["step", "source", "target", "kind", "journeys"])


@peer.question(plain)
def links_by_columns(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """Filter and count: step and next touchpoint stand in the frame."""
    if repeats != "keep":
        raise ValueError("these columns keep repeats")
    return counted(events[events["persona"] == personas.index(persona)], steps, top)


@peer.question(lambda found: sorted([names[a], names[b], int(n)] for (a, b), n in found.items()))
def directly_follows() -> pd.Series:
    """Look one row ahead, count pairs."""
    ahead = following(events)
    inside = ahead >= 0
    return pd.DataFrame({"a": events["touchpoint"][inside], "b": ahead[inside]}).groupby(["a", "b"]).size()


@peer.question(lambda found: sorted([names[a], names[b], int(n)] for (a, b), n in found.items()))
def directly_follows_by_columns() -> pd.Series:
    """Count pairs: the next touchpoint stands in the frame."""
    inside = events[events["following"] >= 0]
    return inside.groupby(["touchpoint", "following"]).size()


def joined() -> pd.Series:
    """The names of each customer as one text."""
    text = pd.Categorical.from_codes(events["touchpoint"], names).astype(object)
    return pd.Series(text).groupby(events["customer_id"], sort=False).agg("\x1f".join)


def most_frequent(found: pd.Series) -> pd.Series:
    """The twenty largest counts and their ties."""
    sizes = found.value_counts()
    return sizes[sizes >= sizes.iloc[min(19, len(sizes) - 1)]]


def path_rows(found: pd.Series) -> list[list[object]]:
    """The paths as they are ranked, off the clock."""
    return ranked({tuple(path.split("\x1f")): n for path, n in found.items()}, 20)


@peer.question(path_rows)
def variants() -> pd.Series:
    """Join the names of each customer, count the texts."""
    return most_frequent(joined())


@peer.question(path_rows)
def variants_by_path() -> pd.Series:
    """Count the paths that stand ready."""
    return most_frequent(whole)


def in_order_of_steps(kept: pd.DataFrame, codes: list[int]) -> pd.DataFrame:
    """Touchpoints of one instant have no order: they are put in that of the steps. Only those few are sorted."""
    same = (kept["customer_id"].to_numpy()[1:] == kept["customer_id"].to_numpy()[:-1]) & (
        kept["at"].to_numpy()[1:] == kept["at"].to_numpy()[:-1]
    )
    tied = np.flatnonzero(np.append(False, same) | np.append(same, False))
    if not len(tied):
        return kept
    places = kept.iloc[tied].assign(place=kept["touchpoint"].iloc[tied].map({code: k for k, code in enumerate(codes)}))
    order = np.arange(len(kept))
    order[tied] = tied[np.lexsort((places["place"], places["at"], places["customer_id"]))]
    return kept.iloc[order]


@peer.question(lambda counts: [[int(n)] for n in counts])
def funnel(steps: list[str], days: int) -> list[int]:
    """Backwards from the last step: when could each row go on, at the earliest? Then the furthest step within the window of each
    entry, and the furthest of each customer."""
    codes = [names.index(step) for step in steps]
    back = in_order_of_steps(events[events["touchpoint"].isin(codes)], codes).iloc[::-1]
    group, never = back["customer_id"], np.int64(2**62)
    reached = [back["at"].where(back["touchpoint"] == codes[-1], never)]
    for code in codes[-2::-1]:
        ahead = [arrival.groupby(group, sort=False).cummin() for arrival in reached]
        here = back["touchpoint"] == code
        reached = [back["at"].where(here, never), *(arrival.where(here, never) for arrival in ahead)]
    opened = back["touchpoint"] == codes[0]
    limit = back["at"][opened] + days * 86_400_000_000
    depth = sum((arrival[opened] <= limit).astype("int8") for arrival in reached)
    furthest = depth.groupby(group[opened], sort=False).max()
    return [int((furthest >= k).sum()) for k in range(1, len(steps) + 1)]


if __name__ == "__main__":
    peer.serve()
