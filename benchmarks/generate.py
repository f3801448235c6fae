"""Synthetic touchpoints for the benchmarks: the same rows for the same number, on any machine.

    python -m benchmarks.generate --rows 10M

Writes events_<rows>.csv (as an export would be: ordered by time, no row numbers) and events_<rows>.parquet (the same rows
with their place in the file as `sequence`, for peers) to the folder TOUCHLINE_BENCH, by default touchline_bench in the folder
for temporary files. 30 touchpoints drawn by Zipf's law with a Markov chain, journeys of lognormal length (mean 10, at most
400), gaps with a heavy tail, 1 % of the touchpoints at the same instant as the one before. 50M rows take 5 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

SEED = 20_260_101
CHUNK_ROWS = 1 << 20
MEAN_LENGTH, MOST_TOUCHPOINTS = 10, 400
LENGTH_MU, LENGTH_SIGMA = 1.87, 0.93  # of the logarithm of a journey's length: its mean is 10
GAP_MU, GAP_SIGMA = 7.5, 2.2  # of the logarithm of the seconds between two touchpoints
TIED_SHARE = 0.01
LONGEST_GAP_SECONDS = 30 * 86_400
FIRST_SECOND = 1_735_689_600  # 2025-01-01
STARTS_WITHIN_SECONDS = 180 * 86_400

STAGES = ("awareness", "consideration", "decision", "action", "loyalty")
CHANNELS = ("web", "email", "ads", "social", "contact center", "store", "app")
# touchpoint, stage, channel
TOUCHPOINTS = (
    ("home", 0, 0), ("search", 1, 0), ("product page", 1, 0), ("email open", 0, 1), ("display ad", 0, 2),
    ("paid search", 0, 2), ("social post", 0, 3), ("blog", 0, 0), ("review site", 1, 3), ("webinar", 1, 0),
    ("category", 1, 0), ("pricing", 2, 0), ("compare", 1, 0), ("chat", 2, 4), ("demo", 2, 4),
    ("cart", 2, 0), ("checkout", 2, 0), ("payment", 3, 0), ("order confirmation", 3, 0), ("store visit", 2, 5),
    ("delivery", 3, 5), ("unboxing", 3, 5), ("support call", 3, 4), ("support chat", 3, 4), ("faq", 3, 0),
    ("return", 3, 5), ("survey", 4, 1), ("newsletter", 4, 1), ("loyalty app", 4, 6), ("referral", 4, 3),
)  # fmt: skip
PERSONAS = tuple(f"persona {letter}" for letter in "ABCDEF")
PERSONA_SHARES = (0.30, 0.25, 0.20, 0.12, 0.08, 0.05)
SEGMENTS = ("north", "east", "south", "west")
GOAL = "payment"


@dataclass(frozen=True)
class Events:
    """The two files of one size."""

    csv: Path
    parquet: Path


def folder() -> Path:
    """Where the benchmarks keep their data: TOUCHLINE_BENCH, else a folder for temporary files."""
    found = Path(os.environ.get("TOUCHLINE_BENCH") or Path(tempfile.gettempdir()) / "touchline_bench")
    found.mkdir(parents=True, exist_ok=True)
    return found


def number_of(text: str) -> int:
    """10M → 10,000,000; 100k → 100,000."""
    ends = {"k": 1_000, "M": 1_000_000}
    return int(float(text[:-1]) * ends[text[-1]]) if text[-1] in ends else int(text)


def short(rows: int) -> str:
    """10,000,000 → 10M."""
    for end, size in (("M", 1_000_000), ("k", 1_000)):
        if rows % size == 0:
            return f"{rows // size}{end}"
    return str(rows)


def events(rows: int) -> Events:
    """The files of that many rows; made when they are not there yet."""
    found = Events(folder() / f"events_{short(rows)}.csv", folder() / f"events_{short(rows)}.parquet")
    if not (found.csv.exists() and found.parquet.exists()):
        print(f"generating {short(rows)} rows in {folder()} …", flush=True)
        write(rows, found)
    return found


def chain(random: np.random.Generator) -> np.ndarray:
    """P(next | now) of the touchpoints: popular ones often, some pairs by nature, a drift forward, few repeats."""
    many = len(TOUCHPOINTS)
    popular = 1 / np.arange(1, many + 1) ** 1.1
    weights = np.tile(popular, (many, 1)) * random.lognormal(0, 0.8, (many, many))
    for i in range(many - 1):
        weights[i, i + 1] += weights[i].sum() * 0.25
    np.fill_diagonal(weights, np.diag(weights) + weights.sum(axis=1) * 0.06)
    return weights / weights.sum(axis=1, keepdims=True)


def lengths(random: np.random.Generator, rows: int) -> np.ndarray:
    """Lengths of journeys that add up to `rows`; the last one is cut."""
    drawn = np.clip(np.round(random.lognormal(LENGTH_MU, LENGTH_SIGMA, rows // 6 + 100)), 1, MOST_TOUCHPOINTS)
    total = np.cumsum(drawn.astype(np.int64))
    last = int(np.searchsorted(total, rows))
    found = drawn[: last + 1].astype(np.int64)
    found[-1] -= total[last] - rows
    return found


def walk(random: np.random.Generator, length: np.ndarray, starts: np.ndarray, rows: int) -> np.ndarray:
    """The touchpoint of every row, journey by journey: all journeys take their next step at once."""
    many = len(TOUCHPOINTS)
    reached = chain(random).cumsum(axis=1)
    reached[:, -1] = 1.0
    ladder = (reached + np.arange(many)[:, None]).ravel()
    popular = 1 / np.arange(1, many + 1) ** 1.1
    now = random.choice(many, len(length), p=popular / popular.sum())
    touchpoint = np.empty(rows, np.int8)
    touchpoint[starts] = now
    alive = np.arange(len(length))
    for step in range(1, int(length.max())):
        going = length[alive] > step
        alive, now = alive[going], now[going]
        now = np.searchsorted(ladder, random.random(len(alive)) + now, side="right") - now * many
        now = np.clip(now, 0, many - 1)
        touchpoint[starts[alive] + step] = now
    return touchpoint


def seconds(random: np.random.Generator, touchpoint: np.ndarray, length: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The second of every row since the first day. Ties are never between equal touchpoints, so no row stands twice."""
    rows = len(touchpoint)
    gap = np.exp(random.normal(GAP_MU, GAP_SIGMA, rows)).clip(1, LONGEST_GAP_SECONDS).astype(np.int64)
    tied = random.random(rows) < TIED_SHARE
    tied[1:] &= touchpoint[1:] != touchpoint[:-1]
    gap[tied] = 0
    gap[starts] = random.integers(0, STARTS_WITHIN_SECONDS, len(starts))
    since = gap.cumsum()
    return since - np.repeat(since[starts] - gap[starts], length)


def write(rows: int, into: Events) -> None:
    """Draw the journeys, order all rows by time, write both files chunk by chunk."""
    random = np.random.default_rng(SEED)
    length = lengths(random, rows)
    starts = np.concatenate([[0], length.cumsum()[:-1]])
    touchpoint = walk(random, length, starts, rows)
    second = seconds(random, touchpoint, length, starts)
    customer = np.repeat(np.arange(len(length), dtype=np.int32), length)
    persona = random.choice(len(PERSONAS), len(length), p=PERSONA_SHARES).astype(np.int8)
    segment = random.integers(0, len(SEGMENTS), len(length)).astype(np.int8)
    order = np.argsort(second, kind="stable")
    touchpoint, second, customer = touchpoint[order], second[order], customer[order]
    del order
    parts = [path.with_name(path.name + ".part") for path in (into.csv, into.parquet)]
    schema = chunk_table(touchpoint[:1], second[:1], customer[:1], persona, segment, 0).schema
    with (
        pc.CSVWriter(str(parts[0]), plain(schema), write_options=pc.WriteOptions(quoting_style="needed")) as csv,
        pq.ParquetWriter(str(parts[1]), schema, compression="zstd") as parquet,
    ):
        for first in range(0, rows, CHUNK_ROWS):
            cut = slice(first, first + CHUNK_ROWS)
            table = chunk_table(touchpoint[cut], second[cut], customer[cut], persona, segment, first)
            parquet.write_table(table)
            csv.write_table(table.drop_columns(["sequence"]).cast(plain(schema)))
    for part, path in zip(parts, (into.csv, into.parquet), strict=True):
        part.rename(path)


def chunk_table(
    touchpoint: np.ndarray,
    second: np.ndarray,
    customer: np.ndarray,
    persona: np.ndarray,
    segment: np.ndarray,
    first: int,
) -> pa.Table:
    """Some rows with all their columns; money is drawn per chunk, so that a chunk needs no other."""
    random = np.random.default_rng([SEED, first])
    stage = np.array([stage for _name, stage, _channel in TOUCHPOINTS], np.int8)
    channel = np.array([channel for _name, _stage, channel in TOUCHPOINTS], np.int8)
    names = [name for name, _stage, _channel in TOUCHPOINTS]
    paid = touchpoint == names.index(GOAL)
    money = np.where(paid, np.round(random.lognormal(4, 0.8, len(touchpoint)), 2), 0.0)
    return pa.table({
        "sequence": pa.array(np.arange(first, first + len(touchpoint), dtype=np.int64)),
        "customer_id": pa.array(customer),
        "occurred_at": pa.array(second + FIRST_SECOND).cast(pa.timestamp("s")).cast(pa.timestamp("us")),
        "touchpoint": coded(touchpoint, names),
        "channel": coded(channel[touchpoint], CHANNELS),
        "stage": coded(stage[touchpoint], STAGES),
        "persona": coded(persona[customer], PERSONAS),
        "segment": coded(segment[customer], SEGMENTS),
        "value": pa.array(money),
        "cost": pa.array(np.round(random.random(len(touchpoint)), 3)),
    })  # fmt: skip


def coded(codes: np.ndarray, names: tuple[str, ...] | list[str]) -> pa.DictionaryArray:
    """Codes with their names."""
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(names)))


def plain(schema: pa.Schema) -> pa.Schema:
    """The schema of the CSV: names instead of codes, whole seconds, no row numbers."""
    kinds = {True: pa.string(), False: None}
    kept = {"occurred_at": pa.timestamp("s")}
    fields = [
        pa.field(f.name, kept.get(f.name) or kinds[pa.types.is_dictionary(f.type)] or f.type)
        for f in schema
        if f.name != "sequence"
    ]
    return pa.schema(fields)


def main() -> None:
    """Write the files of one size, anew."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    rows = number_of(asked.parse_args().rows)
    found = events(rows)
    for path in (found.csv, found.parquet):
        print(f"{path}  {path.stat().st_size / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
