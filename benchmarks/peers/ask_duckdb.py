"""DuckDB by hand: the best SQL we can write for one question, on a table made for it. What our engine is measured against."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import duckdb
import pandas as pd
from protocol import Peer, links, ranked

peer = Peer("duckdb")
connection = duckdb.connect()
home: tempfile.TemporaryDirectory[str] | None = None
JOURNEY = "partition by customer_id order by occurred_at, sequence"


@peer.preparation
def sorted_table(parquet: str, **_paths: str) -> None:
    """One table in a file: sorted, coded, with step and next touchpoint."""
    global connection, home
    home = tempfile.TemporaryDirectory(prefix="duckdb_", dir=os.path.dirname(parquet))  # goes with this process
    connection = duckdb.connect(f"{home.name}/events.duckdb", config={"threads": "2", "memory_limit": "2GB"})
    for kind in ("touchpoint", "persona"):
        connection.execute(f"create type {kind}_code as enum (select distinct {kind} from '{parquet}' order by 1)")
    connection.execute(f"""
        create table events as
        select customer_id, occurred_at, sequence, touchpoint::touchpoint_code as touchpoint, persona::persona_code as persona,
            (row_number() over ({JOURNEY}))::usmallint as step,
            lead(touchpoint::touchpoint_code) over ({JOURNEY}) as following
        from '{parquet}' order by customer_id, occurred_at, sequence
    """)
    connection.execute("checkpoint")


@peer.preparation
def paths(**_paths: str) -> None:
    """The whole path of each customer."""
    connection.execute("""
        create table paths as
        with whole as (select list(touchpoint order by step) as path from events group by customer_id),
        numbered as (select path, row_number() over () as number from (select distinct path from whole))
        select numbered.number, numbered.path from whole join numbered using (path)
    """)


@peer.preparation
def sorted_parquet(parquet: str, **_paths: str) -> None:
    """A file for peers who would rather read than sort."""
    into = parquet.replace(".parquet", "_sorted.parquet")
    if not os.path.exists(into):
        duckdb.connect().execute(f"""
            copy (select customer_id, touchpoint, persona from '{parquet}' order by customer_id, occurred_at, sequence)
            to '{into}.part' (format parquet)
        """)
        os.rename(f"{into}.part", into)


@peer.preparation
def copy_csv(csv: str, into: str) -> None:
    """The least that anybody could do: read the CSV, write Parquet, know nothing more afterwards."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(into)) as spill:
        own = duckdb.connect(config={"threads": "2", "memory_limit": "2GB", "temp_directory": spill})
        own.execute(f"copy (from read_csv('{csv}')) to '{into}' (format parquet)")
        own.close()


@peer.preparation
def cube(**_paths: str) -> None:
    """The counts of the first ten steps per persona."""
    connection.execute("""
        create table cube as select step, touchpoint, following, persona, count(*) as n
        from events where step <= 10 group by all
    """)


MERGED = f"""
    select customer_id, occurred_at, sequence, touchpoint from (
        select *, lead(touchpoint) over ({JOURNEY}) as following from events where persona = $persona
    ) where following is null or following <> touchpoint
"""
NUMBERED = f"""
    select row_number() over ({JOURNEY}) as step, touchpoint, lead(touchpoint) over ({JOURNEY}) as following from ({{rows}})
"""
FOLDED = """
    with counted as ({counted}),
    kept as (
        select step, touchpoint from (
            select step, touchpoint, sum(n) as n from counted group by all
        ) qualify row_number() over (partition by step order by n desc, touchpoint::varchar) <= $top
    )
    select counted.step, coalesce(here.touchpoint::varchar, '(other)') as source,
        case when following is null or counted.step = $steps then ''
             else coalesce(ahead.touchpoint::varchar, '(other)') end as target,
        case when following is null then 'drop_off' when counted.step = $steps then 'continues_beyond' else 'move' end as kind,
        sum(n)::bigint as journeys
    from counted
    left join kept here on here.step = counted.step and here.touchpoint = counted.touchpoint
    left join kept ahead on ahead.step = counted.step + 1 and ahead.touchpoint = counted.following
    group by all
"""


def folded(counted: str, **options: Any) -> pd.DataFrame:
    """Counts per step, touchpoint and next touchpoint → the rows of the flow, in one query."""
    return connection.execute(FOLDED.format(counted=counted), options).df()


def plain(frame: pd.DataFrame) -> list[list[object]]:
    """The rows of the answer in order, off the clock."""
    return sorted(frame.values.tolist())


@peer.question(plain)
def links_on_the_fly(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """Windows over the rows of the persona."""
    rows = MERGED if repeats == "merge" else "select * from events where persona = $persona"
    numbered = NUMBERED.format(rows=rows)
    counted = f"select step, touchpoint, following, count(*) as n from ({numbered}) where step <= $steps group by all"
    return folded(counted, persona=persona, steps=steps, top=top)


@peer.question(plain)
def links_by_columns(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """Filter and count: step and next touchpoint stand in the table."""
    if repeats != "keep":
        raise ValueError("these columns keep repeats")
    counted = """select step, touchpoint, following, count(*) as n from events
                 where persona = $persona and step <= $steps group by all"""
    return folded(counted, persona=persona, steps=steps, top=top)


@peer.question(plain)
def links_by_cube(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """The same from the counts."""
    if repeats != "keep":
        raise ValueError("this cube keeps repeats")
    counted = "select step, touchpoint, following, n from cube where persona = $persona and step <= $steps"
    return folded(counted, persona=persona, steps=steps, top=top)


@peer.question(plain)
def links_plainly(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """A second opinion for the check: count in SQL, fold in plain Python."""
    rows = MERGED if repeats == "merge" else "select * from events where persona = $persona"
    numbered = NUMBERED.format(rows=rows)
    counted = f"select step, touchpoint::varchar, following::varchar, count(*) from ({numbered}) where step <= $steps group by all"
    found = connection.execute(counted, {"persona": persona, "steps": steps}).fetchall()
    return pd.DataFrame(links(found, steps, top), columns=["step", "source", "target", "kind", "journeys"])


@peer.question(lambda frame: sorted(frame.astype({"a": str, "b": str}).values.tolist()))
def directly_follows() -> pd.DataFrame:
    """Windows over all rows, then pairs."""
    return connection.execute(f"""
        select touchpoint as a, following as b, count(*) as n
        from (select touchpoint, lead(touchpoint) over ({JOURNEY}) as following from events)
        where following is not null group by all
    """).df()


@peer.question(lambda frame: sorted(frame.astype({"a": str, "b": str}).values.tolist()))
def directly_follows_by_columns() -> pd.DataFrame:
    """Pairs from the prepared columns."""
    return connection.execute("""
        select touchpoint as a, following as b, count(*) as n from events where following is not null group by all
    """).df()


def path_rows(frame: pd.DataFrame) -> list[list[object]]:
    """The paths as they are ranked, off the clock."""
    return ranked({tuple(p): n for p, n in zip(frame["path"], frame["n"], strict=True)}, 20)


@peer.question(path_rows)
def variants_by_path() -> pd.DataFrame:
    """Count the paths that stand ready."""
    return connection.execute("""
        with counted as (
            select number, count(*) as n, any_value(path) as path from paths group by number
            qualify rank() over (order by n desc) <= 20
        )
        select path::varchar[] as path, n from counted
    """).df()


@peer.question(path_rows)
def variants() -> pd.DataFrame:
    """The codes of each customer in order, counted as lists; the most frequent ones and their ties."""
    return connection.execute("""
        select path::varchar[] as path, n from (
            select path, count(*) as n from (
                select list(touchpoint order by step) as path from events group by customer_id
            ) group by path
        ) qualify rank() over (order by n desc) <= 20
    """).df()


@peer.question(lambda counts: [[int(n)] for n in counts])
def funnel(steps: list[str], days: int) -> list[int]:
    """Backwards from the last step by running minima, then the furthest step within the window of each entry."""
    ahead = "over (partition by customer_id order by occurred_at range between current row and unbounded following)"
    names = ", ".join(f"'{step}'" for step in steps)
    last = len(steps)
    sql = f"with w{last} as (select customer_id, occurred_at, touchpoint, "
    sql += f"case when touchpoint = '{steps[-1]}' then occurred_at end as r{last} from events where touchpoint in ({names}))"
    for k in range(last - 1, 0, -1):
        here = f"case when touchpoint = '{steps[k - 1]}' then"
        carried = "".join(f", {here} min(w.r{j}) {ahead} end as r{j}" for j in range(k + 1, last + 1))
        sql += f", w{k} as (select customer_id, occurred_at, touchpoint, {here} occurred_at end as r{k}{carried} from w{k + 1} w)"
    limit = f"<= occurred_at + interval {days} day"
    cases = " ".join(f"when r{j} {limit} then {j}" for j in range(last, 1, -1))
    entries = f"from w1 where touchpoint = '{steps[0]}' group by customer_id"
    sql += f", furthest as (select max(case {cases} else 1 end) as depth {entries})"
    sql += f" select (select count(*) from furthest where depth >= k) from range(1, {last + 1}) steps(k) order by k"
    return [n for (n,) in connection.cursor().execute(sql).fetchall()]


if __name__ == "__main__":
    peer.serve()
