"""Polars: lazy, categorical names, one sort ahead."""

from __future__ import annotations

import polars as pl
from protocol import Peer, links, ranked

peer = Peer("polars")
events = pl.DataFrame()
SAME_AHEAD = pl.col("customer_id") == pl.col("customer_id").shift(-1)
SAME_BEFORE = pl.col("customer_id") == pl.col("customer_id").shift(1)


@peer.preparation
def sorted_frame(parquet: str, **_paths: str) -> None:
    """Read, sort by customer, time and place in the file, keep what is needed."""
    global events
    coded = pl.col("touchpoint", "persona").cast(pl.Categorical)
    events = (
        pl.scan_parquet(parquet)
        .select("customer_id", "occurred_at", "sequence", coded)
        .sort("customer_id", "occurred_at", "sequence")
        .select("customer_id", "touchpoint", "persona")
        .collect()
    )


@peer.preparation
def timed_frame(parquet: str, **_paths: str) -> None:
    """The sorted frame with times as whole microseconds, for windows."""
    global events
    events = (
        pl.scan_parquet(parquet)
        .select("customer_id", "occurred_at", "sequence", pl.col("touchpoint").cast(pl.Categorical))
        .sort("customer_id", "occurred_at", "sequence")
        .select("customer_id", "touchpoint", at=pl.col("occurred_at").dt.epoch("us"))
        .collect()
    )


@peer.preparation
def columns(**_paths: str) -> None:
    """On top of the sorted frame: the step and what comes next, as our store keeps them."""
    global events
    events = numbered(events.lazy()).with_columns(pl.col("step").cast(pl.Int16)).collect()


def numbered(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Step and next touchpoint of rows that stand in the order of journeys."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    first = pl.when(SAME_BEFORE.fill_null(False)).then(None).otherwise(place).forward_fill()
    ahead = pl.when(SAME_AHEAD).then(pl.col("touchpoint").shift(-1))
    return frame.with_columns(step=place - first + 1, following=ahead)


def counted(frame: pl.LazyFrame, steps: int, top: int) -> pl.DataFrame:
    """Count moves of the first steps, then fold the small touchpoints of each step."""
    sizes = frame.filter(pl.col("step") <= steps).group_by("step", "touchpoint", "following").len()
    names = sizes.with_columns(pl.col("touchpoint", "following").cast(pl.String)).collect()
    rows = links(names.rows(), steps, top)
    return pl.DataFrame(rows, schema=["step", "source", "target", "kind", "journeys"], orient="row")


def plain(frame: pl.DataFrame) -> list[list[object]]:
    """The rows of the answer, off the clock."""
    return [list(row) for row in frame.rows()]


@peer.question(plain)
def links_on_the_fly(persona: str, steps: int, top: int, repeats: str) -> pl.DataFrame:
    """Filter, number the steps, look one row ahead, count."""
    kept = events.lazy().filter(pl.col("persona") == persona).select("customer_id", "touchpoint")
    if repeats == "merge":
        same = SAME_AHEAD & (pl.col("touchpoint") == pl.col("touchpoint").shift(-1))
        kept = kept.filter(~same.fill_null(False))
    return counted(numbered(kept), steps, top)


@peer.question(plain)
def links_by_columns(persona: str, steps: int, top: int, repeats: str) -> pl.DataFrame:
    """Filter and count: step and next touchpoint stand in the frame."""
    if repeats != "keep":
        raise ValueError("these columns keep repeats")
    return counted(events.lazy().filter(pl.col("persona") == persona), steps, top)


@peer.question(lambda frame: sorted([str(a), str(b), n] for a, b, n in frame.rows()))
def directly_follows() -> pl.DataFrame:
    """Look one row ahead, count pairs."""
    ahead = pl.when(SAME_AHEAD).then(pl.col("touchpoint").shift(-1))
    pairs = events.lazy().select("touchpoint", following=ahead).filter(pl.col("following").is_not_null())
    return pairs.group_by("touchpoint", "following").len().collect()


@peer.question(lambda frame: sorted([str(a), str(b), n] for a, b, n in frame.rows()))
def directly_follows_by_columns() -> pl.DataFrame:
    """Count pairs: the next touchpoint stands in the frame."""
    pairs = events.lazy().filter(pl.col("following").is_not_null())
    return pairs.group_by("touchpoint", "following").len().collect()


@peer.question(lambda frame: ranked({tuple(path): n for path, n in frame.rows()}, 20))
def variants() -> pl.DataFrame:
    """Collect the codes of each customer, count the lists; the most frequent ones (and their ties) are kept."""
    paths = (
        events.lazy()
        .group_by("customer_id", maintain_order=True)
        .agg(path=pl.col("touchpoint").to_physical())
        .group_by("path")
        .len()
        .collect()
    )
    least = paths["len"].sort(descending=True)[min(19, len(paths) - 1)]
    names = dict(events.select(pl.col("touchpoint").to_physical().alias("code"), name="touchpoint").unique().rows())
    kept = paths.filter(pl.col("len") >= least).rows()
    return pl.DataFrame({"path": [[names[c] for c in path] for path, _n in kept], "n": [n for _path, n in kept]})


@peer.question(lambda counts: [[int(n)] for n in counts])
def funnel(steps: list[str], days: int) -> list[int]:
    """Backwards from the last step: when could each row go on, at the earliest? Then the furthest step within the window of each
    entry, and the furthest of each customer."""
    frame = events.lazy().filter(pl.col("touchpoint").is_in(steps))
    place = (
        pl.col("touchpoint")
        .cast(pl.String)
        .replace_strict({step: k for k, step in enumerate(steps)}, return_dtype=pl.Int8)
    )
    frame = frame.with_columns(place=place).sort(
        "customer_id", "at", "place"
    )  # of one instant, in the order of the steps
    reached = ["r_last"]
    frame = frame.with_columns(r_last=pl.when(pl.col("touchpoint") == steps[-1]).then(pl.col("at")))
    for place, step in enumerate(steps[-2::-1]):
        here = pl.col("touchpoint") == step
        ahead = {f"s{place}_{n}": pl.col(name).reverse().cum_min().forward_fill().reverse().over("customer_id")
                 for n, name in enumerate(reached)}  # fmt: skip
        frame = frame.with_columns(**ahead).with_columns(**{name: pl.when(here).then(pl.col(name)) for name in ahead})
        frame = frame.with_columns(pl.when(here).then(pl.col("at")).alias(f"h{place}"))
        reached = [f"h{place}", *ahead]
    limit = pl.col("at") + days * 86_400_000_000
    depth = pl.sum_horizontal(((pl.col(name) <= limit).fill_null(False)).cast(pl.Int8) for name in reached)
    entries = frame.filter(pl.col("touchpoint") == steps[0]).select("customer_id", depth=depth)
    furthest = entries.group_by("customer_id").agg(pl.col("depth").max()).collect()["depth"]
    return [int((furthest >= k).sum()) for k in range(1, len(steps) + 1)]


if __name__ == "__main__":
    peer.serve()
