"""One query, many engines: what one of them cannot do, or does in its own way, stands nowhere in a metric.

Each rule is shown to catch what it forbids. Engines' own files may know their engine; the embedded one speaks its own SQL.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = {"duckdb_build.py", "duckdb_store.py", "duckdb_tables.py", "clickhouse.py", "postgres.py", "spark.py"}
QUERIES = sorted(
    path
    for path in (ROOT / "cx_metrics").rglob("*.py")
    if path.name not in OWN and "import ibis" in path.read_text("utf-8")
)
Found = list[tuple[int, str]]  # line, what is wrong there
Rule = Callable[[ast.AST], Found]

TIMES = {"occurred_at", "answered_at", "changed_at", "journey_start", "occurred_microseconds"}
STAMPS = TIMES - {"occurred_microseconds"}
TRUTHS = {"isnull", "notnull", "isin", "notin", "between", "like", "contains", "startswith", "endswith", "identical_to"}


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, str]]:
    """Every call: the node, the name that is called, and what stands before its dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, node.func.attr, ast.unparse(node.func.value)


def named(tree: ast.AST, names: set[str], but: tuple[str, ...] = ()) -> Found:
    return [
        (node.lineno, ast.unparse(node.func))
        for node, name, before in calls(tree)
        if name in names and before not in but
    ]


def ordered_collects(tree: ast.AST) -> Found:
    """ClickHouse and Spark collect in any order: collect a number with the name, then sort."""
    ordered = [
        (node.lineno, name) for node, name, _before in calls(tree)
        if name == "collect" and any(k.arg == "order_by" for k in node.keywords)
    ]  # fmt: skip
    return ordered + named(tree, {"group_concat"})


def asof_joins(tree: ast.AST) -> Found:
    """Spark has none, PostgreSQL a hundred times slower."""
    return named(tree, {"asof_join"})


def firsts_and_lasts(tree: ast.AST) -> Found:
    """Silently wrong over windows in two engines, unknown in two others: argmin, or row_number."""
    return named(tree, {"first", "last", "first_value", "last_value", "nth"})


def counts_under_a_condition(tree: ast.AST) -> Found:
    """Of no rows at all Spark counts nothing instead of 0: groups.how_many."""
    return [
        (node.lineno, ast.unparse(node)) for node, name, _before in calls(tree)
        if name == "count" and any(k.arg == "where" for k in node.keywords)
    ]  # fmt: skip


def casts_of_truths(tree: ast.AST) -> Found:
    """PostgreSQL casts no boolean to a number: ifelse(condition, 1, 0)."""
    found = []
    for node, name, _before in calls(tree):
        to = ast.unparse(node.args[0]) if node.args else ""
        if (
            name == "cast"
            and ("int" in to or "float" in to)
            and isinstance(node.func, ast.Attribute)
            and is_truth(node.func.value)
        ):
            found.append((node.lineno, ast.unparse(node)))
    return found


def is_truth(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert)):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TRUTHS


def guessed_numbers(tree: ast.AST) -> Found:
    """ClickHouse guesses quantiles; only the median is exact everywhere. Approximations are none of our numbers at all."""
    approximate = [(n.lineno, name) for n, name, _b in calls(tree) if name.startswith("approx_")]
    return approximate + named(tree, {"quantile", "quantiles"}, but=("np", "numpy", "scipy"))


def neighbours_without_null(tree: ast.AST) -> Found:
    """ClickHouse has '' before the first row and after the last one, where the others have null: .nullif("")."""
    cleaned = {
        inner
        for node, name, _before in calls(tree)
        if name == "nullif" and isinstance(node.func, ast.Attribute)
        for inner in ast.walk(node.func.value)
    }
    found = []
    for node, name, before in calls(tree):
        column = before.rpartition(".")[2].rstrip("]'\"").rpartition("'")[2]
        number = column.endswith(("_microseconds", "_seconds", "_number", "_at", "step", "position", "run"))
        if name in ("lead", "lag") and not number and node not in cleaned:
            found.append((node.lineno, ast.unparse(node)))
    return found


def orders_with_ties(tree: ast.AST) -> Found:
    """Rows of one instant have an order of their own: touchpoints their `sequence`, answers response, question and score."""
    found = []
    for node, _name, _before in calls(tree):
        for keyword in node.keywords:
            if keyword.arg == "order_by" and isinstance(keyword.value, (ast.List, ast.Tuple, ast.Constant)):
                keys = keyword.value.elts if isinstance(keyword.value, (ast.List, ast.Tuple)) else [keyword.value]
                texts = [ast.unparse(key) for key in keys]
                timed = any(time in text for text in texts for time in TIMES)
                answers = [w in text for w, text in zip(("response_id", "question", "score"), texts[-3:], strict=False)]
                whole = "sequence" in texts[-1] or (len(answers) == 3 and all(answers))
                if timed and not whole:
                    found.append((node.lineno, ast.unparse(keyword.value)))
    return found


def times_taken_apart(tree: ast.AST) -> Found:
    """A difference of times is another type in each engine: microseconds are numbers."""
    found = named(tree, {"interval", "delta", "epoch_seconds_between"}, but=("np",))
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            ends = {side.attr for side in (node.left, node.right) if isinstance(side, ast.Attribute)}
            if ends & STAMPS:
                found.append((node.lineno, ast.unparse(node)))
    return found


def raw_sql(tree: ast.AST) -> Found:
    """Text is read by one engine only."""
    return named(tree, {"raw_sql", "execute", "executemany"}) + [
        (n.lineno, ast.unparse(n.func)) for n, name, _b in calls(tree)
        if name == "sql" and n.args and isinstance(n.args[0], (ast.Constant, ast.JoinedStr))
    ]  # fmt: skip


RULES: dict[Rule, tuple[str, ...]] = {
    ordered_collects: ("t.touchpoint.collect(order_by=t.step)", "t.touchpoint.group_concat('>')"),
    asof_joins: ("a.asof_join(b, on='occurred_at')",),
    firsts_and_lasts: ("t.channel.first().over(w)", "t.channel.last(order_by=t.step)"),
    counts_under_a_condition: ("t.count(where=t.a == 1)",),
    casts_of_truths: (
        "(t.a == 1).cast('int64')", "t.stage.isnull().cast('int64')", "((t.a > 1) & (t.b > 1)).cast(int)", "(~t.a).cast('float64')",
    ),
    guessed_numbers: ("t.seconds.quantile(0.9)", "t.customer_id.approx_nunique()"),
    neighbours_without_null: ("t.touchpoint.lead().over(w)", "t.here.lag().over(w) == t.here", "t['stage'].lead()"),
    orders_with_ties: (
        "ibis.window(order_by=['occurred_at'])", "ibis.window(order_by='occurred_at')",
        "ibis.window(group_by='a', order_by=['sequence', ibis.desc('occurred_at')])",
        "ibis.window(order_by=['answered_at', 'question'])",
        "ibis.window(order_by=['answered_at', 'response_id', 'question'])",
    ),
    times_taken_apart: ("t.occurred_at - t.journey_start", "t.occurred_at + ibis.interval(days=1)", "a.answered_at.delta(b)"),
    raw_sql: ("connection.sql('select 1')", "backend.raw_sql(text)", "cursor.execute(f'select {x}')"),
}  # fmt: skip
ALLOWED = """
path = t.touchpoint.collect().sort()
n = ibis.ifelse(t.a == 1, 1, 0); m = t.value.cast('float64'); q = np.quantile(draws, 0.9); half = t.seconds.median()
following = t.touchpoint.lead().over(w).nullif(""); next_microseconds = t.occurred_microseconds.lead().over(w)
w = ibis.window(group_by='journey_id', order_by=['occurred_at', 'sequence']); by_name = ibis.window(order_by='stage')
by_answer = ibis.window(order_by=['answered_at', 'response_id', 'question', 'score'])
elapsed = t.goal_microseconds - t.occurred_microseconds; text = store.sql(expression)
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_query_does_what_one_engine_cannot(rule: Rule) -> None:
    assert len(QUERIES) > 10
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in QUERIES
        for line, what in rule(ast.parse(path.read_text("utf-8")))
    ]
    assert found == [], rule.__doc__


@pytest.mark.parametrize("rule, planted", [(rule, text) for rule, texts in RULES.items() for text in texts])
def test_the_rule_sees_what_it_forbids(rule: Rule, planted: str) -> None:
    assert rule(ast.parse(planted))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_lets_pass_what_every_engine_can(rule: Rule) -> None:
    assert rule(ast.parse(ALLOWED)) == []
