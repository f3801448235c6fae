"""Our queries once more, as somebody would write them in DuckDB's own SQL on our store: what `overhead` compares with.

Every text gives the columns that are compared, in the order of the rows that ours gives. They use whatever is prepared (step, run,
what comes next), read few columns, and know nothing about other engines. Two texts of one question: the faster one counts.
"""

from __future__ import annotations

from benchmarks.generate import GOAL

JOURNEY = "(partition by customer_number order by step)"
SPAN = "occurred_at >= $first and occurred_at < $last"
# the next touchpoint of the journey lies in the range too
GOES_ON = "next_touchpoint is not null and occurred_microseconds + seconds_to_next * 1e6 < epoch_us($last::timestamp)"

FLOW = """
    with nodes as ({nodes}),
    kept as (
        select position, touchpoint from nodes group by position, touchpoint
        qualify row_number() over (partition by position order by count(*) desc, touchpoint) <= {top}
    )
    select position as step, coalesce(here.touchpoint::varchar, '(other)') as source,
        case when following is null or position = {steps} then null
             else coalesce(ahead.touchpoint::varchar, '(other)') end as target,
        case when following is null then 'drop_off' when position = {steps} then 'continues_beyond' else 'move' end as kind,
        count(*) as journeys, avg(seconds) as mean_seconds, median(seconds) as median_seconds
    from nodes
    left join kept here using (position, touchpoint)
    left join kept ahead on ahead.position = nodes.position + 1 and ahead.touchpoint = following
    group by all order by step, journeys desc, source, target, kind
"""
MERGED_NODES = """
    select * from (
        select row_number() over {journey} as position, touchpoint, lead(touchpoint) over {journey} as following,
            (lead(occurred_microseconds) over {journey} - occurred_microseconds) / 1e6 as seconds
        from (
            select customer_number, step, occurred_microseconds, touchpoint, lead(touchpoint) over {journey} as ahead
            from touchpoints where {where}
        ) where ahead is null or ahead <> touchpoint
    ) where position <= {steps}
"""


def flow_by_windows(where: str, steps: int, top: int) -> str:
    """The flow of the rows that are left, put in order again; repeats merged."""
    return FLOW.format(nodes=MERGED_NODES.format(journey=JOURNEY, where=where, steps=steps), steps=steps, top=top)


def flow_by_columns(where: str, steps: int, top: int) -> str:
    """The flow of whole journeys, from prepared columns; repeats merged."""
    nodes = f"""select run as position, touchpoint, next_touchpoint as following, run_seconds as seconds
                from touchpoints where {where} and run_ends = 1 and run <= {steps}"""
    return FLOW.format(nodes=nodes, steps=steps, top=top)


TRANSITIONS = """
    select touchpoint, next_touchpoint, count(*) as transitions, count(distinct customer_number) as journeys,
        avg(seconds_to_next) as mean_seconds, median(seconds_to_next) as median_seconds
    from touchpoints where {where}
    group by all order by transitions desc, touchpoint, next_touchpoint
"""
TRANSITIONS_BY_WINDOWS = f"""
    select touchpoint, following as next_touchpoint, count(*) as transitions, count(distinct customer_number) as journeys,
        avg(seconds) as mean_seconds, median(seconds) as median_seconds
    from (
        select customer_number, touchpoint, lead(touchpoint) over {JOURNEY} as following,
            (lead(occurred_microseconds) over {JOURNEY} - occurred_microseconds) / 1e6 as seconds
        from touchpoints where {{where}}
    ) where following is not null
    group by all order by transitions desc, touchpoint, next_touchpoint
"""


def transitions(where: str) -> str:
    """Pairs of whole journeys, from prepared columns."""
    return TRANSITIONS.format(where=f"{where} and next_touchpoint is not null")


def transitions_in_span() -> str:
    """Pairs whose two ends lie in the range, from prepared columns."""
    return TRANSITIONS.format(where=f"{SPAN} and {GOES_ON}")


def transitions_by_windows(where: str) -> str:
    """Pairs of the rows that are left."""
    return TRANSITIONS_BY_WINDOWS.format(where=where)


COUNTED_PATHS = """
    select path, journeys, median_seconds from (
        select {path} as path, count(*) as journeys, median(seconds) as median_seconds from ({whole}) group by path
    ) order by journeys desc, path limit {top}
"""


def stored_paths(where: str, top: int) -> str:
    """The most frequent paths of whole journeys, repeats merged, from their stored numbers."""
    counted = f"""select path_merge, count(*) as journeys, median(seconds) as median_seconds from journeys where {where}
                  group by 1 order by journeys desc, path_merge limit {top}"""
    return f"""select string_split(path, chr(31)) as path, journeys, median_seconds from ({counted})
               join paths on path_id = path_merge order by journeys desc, path_merge"""


def paths_in_span(top: int) -> str:
    """The most frequent paths of journeys cut to the range, repeats merged, from prepared columns."""
    ends = f"(run_ends = 1 or not ({GOES_ON}))"
    whole = f"""select list(touchpoint order by step) filter (where {ends}) as names,
                    (max(occurred_microseconds) - min(occurred_microseconds)) / 1e6 as seconds
                from touchpoints where {SPAN} group by customer_number"""
    return COUNTED_PATHS.format(path="names", whole=whole, top=top)


def paths_by_windows(where: str, top: int) -> str:
    """The most frequent paths of the rows that are left, repeats merged."""
    whole = f"""select list(touchpoint order by step) filter (where ahead is null or ahead <> touchpoint) as names,
                    (max(occurred_microseconds) - min(occurred_microseconds)) / 1e6 as seconds
                from (select customer_number, step, touchpoint, occurred_microseconds, lead(touchpoint) over {JOURNEY} as ahead
                      from touchpoints where {where})
                group by customer_number"""
    return COUNTED_PATHS.format(path="names", whole=whole, top=top)


def people(where: str) -> str:
    """Who is left."""
    return f"""select count(distinct customer_number) as customers, count(distinct customer_number) as journeys,
                   count(*) as touchpoints from touchpoints where {where}"""


def engagement(group: str) -> str:
    """The counts that engagement rests on, per stage or touchpoint: one row per group, by name."""
    return f"""
        with rows as (
            select customer_number, step, touchpoint, {group} as here, stage_rank, occurred_microseconds,
                lag({group}) over journey is not distinct from {group} and step > 1 as stays,
                max(stage_rank) over (partition by customer_number order by step rows between 1 following and unbounded following)
                    > stage_rank as goes_on,
                lag(session_number) over journey is distinct from session_number as opens,
                lead(session_number) over journey is distinct from session_number as closes
            from touchpoints window journey as {JOURNEY}
        ), numbered as (
            select *, sum(case when stays then 0 else 1 end) over (partition by customer_number order by step) as visit from rows
        ), dwells as (
            select here, customer_number, sum(length) / 1e6 as dwell from (
                select here, customer_number, visit, max(occurred_microseconds) - min(occurred_microseconds) as length
                from numbered group by all having count(*) > 1
            ) group by all
        ), each as (
            select here, customer_number, count(*) as contacts, count(distinct touchpoint) as depth, bool_or(goes_on) as went_on,
                count(*) filter (where opens) as entries, count(*) filter (where opens and closes) as bounces
            from rows group by all
        )
        select here, count(*) as customers, sum(contacts)::bigint as touchpoints, median(depth) as depth_median,
            (select median(dwell) from dwells where dwells.here = each.here) as dwell_seconds_median,
            count(*) filter (where went_on) as went_on, sum(entries)::bigint as entry_sessions,
            sum(bounces)::bigint as bounced_sessions
        from each group by here order by here
    """


def funnel(steps: tuple[str, str, str, str], window_seconds: int) -> str:
    """Customers per step of an ordered funnel of four different touchpoints: every entry is a try, the furthest one counts."""
    ahead = "over (partition by customer_number order by moment range between current row and unbounded following)"
    a, b, c, d = (f"touchpoint = '{step}'" for step in steps)
    within = f"<= moment + {window_seconds * 1_000_000}"
    return f"""
        with of_steps as (select customer_number, occurred_microseconds as moment, touchpoint from touchpoints
                      where touchpoint in {steps}),
        thirds as (select *, min(moment) filter (where {d}) {ahead} as c4 from of_steps),
        seconds as (select *, min(moment) filter (where {c}) {ahead} as b3, min(c4) filter (where {c}) {ahead} as b4 from thirds),
        firsts as (select *, min(moment) filter (where {b}) {ahead} as a2, min(b3) filter (where {b}) {ahead} as a3,
                      min(b4) filter (where {b}) {ahead} as a4 from seconds),
        furthest as (
            select customer_number, max(case when a4 {within} then 4 when a3 {within} then 3 when a2 {within} then 2 else 1 end)
                as depth
            from firsts where {a} group by 1
        )
        select step, count(*) as customers from furthest, range(1, 5) steps(step) where depth >= step group by 1 order by 1
    """


FUNNEL_STEPS = ("home", "product page", "cart", GOAL)
FUNNEL_WINDOW_DAYS = 14
