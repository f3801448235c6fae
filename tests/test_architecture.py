"""Who may know whom, and what no page may do: rules that a reader of one file could not see, kept by reading all of them."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st

ROOT = Path(__file__).parents[1]
METRICS = sorted((ROOT / "cx_metrics").rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
Found = list[tuple[int, str]]  # line, what is wrong there


def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def everywhere(paths: list[Path], rule: Callable[[ast.Module, str], Found]) -> list[str]:
    """What a rule finds, as file:line: what."""
    names = {path: path.relative_to(ROOT).as_posix() for path in paths}
    return [f"{names[p]}:{line}: {what}" for p in paths for line, what in rule(read(p), names[p])]


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, str]]:
    """Every call: the node, the name that is called, and what stands before its dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node, node.func.attr, ast.unparse(node.func.value)
            elif isinstance(node.func, ast.Name):
                yield node, node.func.id, ""


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


# Who knows whom


def test_the_contracts_of_the_layers_hold() -> None:
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stdout
    assert " 0 broken" in found.stdout


def test_metrics_run_where_there_is_no_dashboard() -> None:
    scripts = [p for p in METRICS if "migrations" not in p.parts]  # those are run by Alembic alone
    everything = [".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p in scripts]
    code = (
        f"import sys, importlib; [importlib.import_module(name) for name in {everything!r}];"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'streamlit', 'pages', 'app'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (found.returncode, found.stdout.strip()) == (0, "[]"), found.stderr


def test_only_the_engines_name_a_database() -> None:
    def rule(tree: ast.Module, name: str) -> Found:
        outside = not name.startswith("cx_metrics/engines/")
        return [(line, module) for line, module in imported(tree) if outside and module.split(".")[0] == "duckdb"]

    assert everywhere(METRICS + PAGES, rule) == []


def test_only_parts_touch_what_a_session_or_an_address_holds() -> None:
    # state.py, cache.py and their neighbours in pages/parts: STYLE 2
    def rule(tree: ast.Module, name: str) -> Found:
        if name.startswith("pages/parts/"):
            return []
        kept = {"session_state", "query_params", "cache_data", "cache_resource"}
        return [(n.lineno, n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in kept]

    assert everywhere(PAGES, rule) == []


def shared_executes(tree: ast.AST) -> Found:
    """Statements that run on a connection itself, which threads share, and not on a cursor of their own."""
    cursors = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".cursor()")
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    run = {"execute", "executemany", "sql", "query", "from_query", "table", "view"}
    return [
        (node.lineno, ast.unparse(node.func))
        for node, name, before in calls(tree)
        if name in run and "connection" in before and not before.endswith(".cursor()") and before not in cursors
    ]


def test_what_serves_a_page_runs_on_a_cursor_of_its_own() -> None:
    # One connection in 8 threads gives wrong answers without an error. Building a version has one thread.
    serving = read(ROOT / "cx_metrics/engines/duckdb_store.py")
    assert {"Store", "open_store", "tables_of"} <= {getattr(node, "name", "") for node in serving.body}
    assert shared_executes(serving) == []
    apart = {"engines", "workspace", "server.py"}  # the catalog is no dataset; the server looks into it before it opens
    outside = [path for path in METRICS + PAGES if not apart & set(path.parts)]
    assert everywhere(outside, lambda tree, _name: [
        (n.lineno, n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in ("connection", "execute")
    ]) == []  # fmt: skip
    assert shared_executes(ast.parse("store.connection.execute('select 1')"))
    assert not shared_executes(
        ast.parse("c = connection.cursor(); c.execute('x'); store.connection.cursor().execute('x')")
    )


def test_an_exception_is_swallowed_in_the_listed_places_only() -> None:
    allowed = {
        ("cx_metrics/hearing.py", "_try"),
        ("cx_metrics/importing.py", "main"),
        ("pages/parts/server.py", "visit"),
        ("cx_metrics/engines/patience.py", "over"),
        ("cx_metrics/workers.py", "_answer"),
    }  # each says what it does instead

    def rule(tree: ast.Module, name: str) -> Found:
        found = []
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef) or (name, function.name) in allowed:
                continue
            for node in ast.walk(function):
                if not isinstance(node, ast.ExceptHandler) or any(
                    isinstance(part, ast.Raise) for part in ast.walk(node)
                ):
                    continue
                if node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)):
                    found.append((node.lineno, f"{function.name} swallows every exception"))
        return found

    assert everywhere(METRICS + PAGES, rule) == []
    assert rule(ast.parse("def f():\n try: pass\n except Exception: pass"), "x.py")
    assert not rule(ast.parse("def f():\n try: pass\n except Exception: raise"), "x.py")


# What nobody does


def banned(tree: ast.Module, name: str) -> Found:
    """Ways to run text, to read objects that run, and to show markup that was not built by us."""
    attributes = {"unsafe_allow_html", "LinkColumn", "ImageColumn", "components", "iframe", "loads_pickle"}
    functions = {"eval", "exec", "compile", "__import__"}
    found = [
        (line, module)
        for line, module in imported(tree)
        if module.split(".")[0] in ("pickle", "marshal", "shelve")
        or (module.startswith("multiprocessing") and name != "cx_metrics/workers.py")  # a pair of sockets of its own
        or (module.split(".")[0] == "yaml" and name != "cx_metrics/reading/yaml_text.py")  # plain values only
    ]
    found += [(n.lineno, n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in attributes]
    for node, called, before in calls(tree):
        options = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        found += [(node.lineno, option) for option in options if option in ("unsafe_allow_html", "shell")]
        if (
            called in functions
            and not before
            or before == "st"
            and called in ("write", "table", "json", "latex", "exception")
        ):
            found.append((node.lineno, f"{called}()"))
        if "unsafe_allow_javascript" in options and name != "pages/parts/figure.py":
            found.append((node.lineno, "unsafe_allow_javascript"))
        if called == "Html" and name != "pages/parts/markup.py":
            found.append((node.lineno, "Html() outside markup.py"))
    return found


def test_no_code_runs_text_or_shows_markup_of_others() -> None:
    assert everywhere(METRICS + PAGES, banned) == []


def arithmetic(tree: ast.Module, _name: str) -> Found:
    """Frames that are counted or joined: that is a metric."""
    counting = {
        "groupby",
        "agg",
        "aggregate",
        "merge",
        "pivot",
        "pivot_table",
        "query",
        "melt",
        "crosstab",
        "resample",
        "eval",
    }
    return [(node.lineno, f".{name}()") for node, name, before in calls(tree) if name in counting and before]


def test_pages_place_numbers_and_count_none() -> None:
    assert everywhere(PAGES, arithmetic) == []


def unmarked(tree: ast.Module, _name: str) -> Found:
    """Sentences that no catalogue can hold: put together when they are shown, or never marked."""
    family = {
        "TouchlineError",
        "FileProblem",
        "MappingProblem",
        "OptionProblem",
        "ViewProblem",
        "DataProblem",
        "WorkspaceProblem",
    }
    found = []
    for node, name, before in calls(tree):
        first = node.args[0] if node.args else None
        if first is None or before not in ("", "texts"):
            continue
        fixed = isinstance(first, ast.Constant) and isinstance(first.value, str)
        if name in ("N_", "NP_") and not all(
            isinstance(a, ast.Constant) and isinstance(a.value, str) for a in node.args
        ):
            found.append((node.lineno, f"{name}() of something that is not a fixed text"))
        if name in {"Text", "_", "ngettext", *family}:
            if isinstance(first, (ast.JoinedStr, ast.BinOp)) or ".format(" in ast.unparse(first):
                found.append((node.lineno, f"{name}() of a text that is put together"))
            elif fixed and name not in ("_", "ngettext") and _letters(first.value):  # type: ignore[union-attr]
                found.append((node.lineno, f"{name}() of a text that is not marked with N_"))
    return found


def _letters(text: str) -> bool:
    """Whether anything but places and signs stands in it."""
    return any(re.search(r"[^\W\d_]", literal) for literal, *_rest in string.Formatter().parse(text))


def test_every_sentence_is_a_fixed_text_that_can_be_translated() -> None:
    assert everywhere(METRICS + PAGES, unmarked) == []


# What Streamlit reads as Markdown: our words, or data through `safe`

LABELLED = {
    "button", "popover", "selectbox", "multiselect", "radio", "toggle", "checkbox", "markdown", "caption", "error",
    "warning", "info", "success", "expander", "tabs", "metric", "download_button", "form_submit_button",
    "segmented_control", "pills", "date_input", "time_input", "text_input", "text_area", "number_input", "slider",
    "select_slider", "color_picker", "file_uploader", "camera_input", "link_button", "page_link", "toast", "spinner",
    "status", "title", "header", "subheader", "dialog", "badge", "feedback", "progress", "chat_message", "chat_input",
    "Column", "TextColumn", "NumberColumn", "SelectboxColumn", "CheckboxColumn", "DateColumn", "DatetimeColumn",
    "ProgressColumn", "ListColumn",
}  # fmt: skip
MARKDOWN_OPTIONS = {"label", "body", "text", "help", "delta", "captions"}
OPTIONS_ARE_MARKDOWN = {"radio", "segmented_control", "pills"}  # those of select boxes are plain text
OURS = {
    "m",
    "self",
    "page",
    "page.m",
    "importing",
}  # a page's caption is a list of words, a Markup's is finished markup
TRANSLATE = {"_", "say", "gettext", "ngettext", "pgettext"}
MARKUP = {
    part.name
    for node in read(ROOT / "pages/parts/markup.py").body if isinstance(node, ast.ClassDef) and node.name == "Markup"
    for part in node.body if isinstance(part, ast.FunctionDef) and part.returns and ast.unparse(part.returns) == "Html"
}  # fmt: skip


class Words:
    """Reads one page and says which words it shows are not known to be ours."""

    def __init__(self, tree: ast.Module, name: str) -> None:
        self.tree, self.name = tree, name
        self.around: dict[ast.AST, ast.AST] = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }
        self.functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    def problems(self) -> Found:
        return [*self._markdown(), *self._html()]

    def _markdown(self) -> Iterator[tuple[int, str]]:
        for node, name, before in calls(self.tree):
            if name not in LABELLED or before in OURS or not before:
                continue
            shown = node.args[: 3 if name == "metric" else 1] if name != "progress" else node.args[1:2]
            shown = [*shown, *(k.value for k in node.keywords if k.arg in MARKDOWN_OPTIONS)]
            if name in OPTIONS_ARE_MARKDOWN:
                shown += [k.value for k in node.keywords if k.arg == "format_func"]
            yield from ((part.lineno, f"{name}: {ast.unparse(part)[:80]}") for part in shown if not self.ours(part))

    def _html(self) -> Iterator[tuple[int, str]]:
        for node, name, before in calls(self.tree):
            if name != "html" or not before or not node.args:
                continue
            if self.name == "pages/parts/figure.py" and self._function(node) in ("page_style", "html"):
                continue  # the style sheet, and the one door for markup, which its type keeps
            built = node.args[0].body if before == "figure" and isinstance(node.args[0], ast.Lambda) else node.args[0]
            if not self._markup(built):
                yield node.lineno, f"html: {ast.unparse(built)[:80]}"

    def _markup(self, node: ast.expr) -> bool:
        if isinstance(node, ast.IfExp):
            return self._markup(node.body) and self._markup(node.orelse)
        if isinstance(node, ast.JoinedStr):
            return all(self._markup(part.value) for part in node.values if isinstance(part, ast.FormattedValue))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return node.func.attr in MARKUP and ast.unparse(node.func.value) in {"m", "page.m", "self.m"}
        return False

    def ours(self, node: ast.expr) -> bool:
        """Fixed words, translated or not; data only through safe(…, "markdown")."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.JoinedStr):
            return all(self.ours(part.value) for part in node.values if isinstance(part, ast.FormattedValue))
        if isinstance(node, (ast.List, ast.Tuple)):
            return all(map(self.ours, node.elts))
        if isinstance(node, ast.IfExp):
            return self.ours(node.body) and self.ours(node.orelse)
        if isinstance(node, ast.Lambda):
            return self.ours(node.body)
        if isinstance(node, ast.Name):
            return self._bound(node, self.ours)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).split(".")[-1]
            if called == "safe":
                return (
                    len(node.args) > 1 and isinstance(node.args[1], ast.Constant) and node.args[1].value == "markdown"
                )
            return called in TRANSLATE and all(map(self._source, node.args[: 2 if called == "ngettext" else None]))
        return False

    def _source(self, node: ast.expr) -> bool:
        """A fixed message, or one of a table of them."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.IfExp):
            return self._source(node.body) and self._source(node.orelse)
        if isinstance(node, ast.Subscript):
            return ast.unparse(node.value).split(".")[-1].isupper()
        if isinstance(node, ast.Name):
            return node.id.isupper() or self._bound(node, self._source)
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func)
            if called in ("N_", "Text"):  # a text with values may hold data
                return len(node.args) == 1 and not node.keywords and self._source(node.args[0])
            return (
                called.endswith(".get") and called[:-4].isupper() and len(node.args) == 2 and self._source(node.args[1])
            )
        return False

    def _bound(self, name: ast.Name, good: Callable[[ast.expr], bool]) -> bool:
        """Whether everything that the name may stand for is good: assignments, loops over fixed tuples, arguments of all calls."""
        place: ast.AST | None = name
        while place is not None:
            place = self.around.get(place)
            if isinstance(place, ast.FunctionDef):
                found = self._values(place, name.id)
                if found:
                    return all(value is not None and good(value) for value in found)
        return False

    def _values(self, function: ast.FunctionDef, name: str) -> list[ast.expr | None]:
        found: list[ast.expr | None] = []
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and name in [ast.unparse(t) for t in node.targets]:
                found.append(node.value)
            elif isinstance(node, (ast.For, ast.comprehension)):
                targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
                for i, target in enumerate(targets):
                    if ast.unparse(target) == name:
                        found += self._items(node.iter, i if len(targets) > 1 else None)
        names = [argument.arg for argument in function.args.args]
        if name in names:
            told = [node for node, called, _before in calls(self.tree) if called == function.name]
            at = names.index(name)
            for call in told:
                given = {k.arg: k.value for k in call.keywords} | dict(zip(names, call.args, strict=False))
                found.append(
                    given.get(name) or (function.args.defaults[at - len(names)] if function.args.defaults else None)
                )
            found += [] if told else [None]
        return found

    @staticmethod
    def _items(loop: ast.expr, place: int | None) -> list[ast.expr | None]:
        """What the loop hands out at that place of its tuple, if it runs over tuples that stand there."""
        if (
            place is not None
            and isinstance(loop, ast.Call)
            and ast.unparse(loop.func) == "zip"
            and place < len(loop.args)
        ):
            loop, place = loop.args[place], None
        if place is None and isinstance(loop, (ast.Tuple, ast.List)):
            return list(loop.elts)
        return [None]

    def _function(self, node: ast.AST) -> str:
        while not isinstance(node, ast.FunctionDef) and node in self.around:
            node = self.around[node]
        return getattr(node, "name", "")


def test_everything_shown_as_markdown_is_a_fixed_word_or_escaped() -> None:
    assert everywhere(PAGES, lambda tree, name: Words(tree, name).problems()) == []


@pytest.mark.parametrize(
    "line",
    [
        "st.markdown(title)", "st.markdown(f'**{title}**')", "st.button('Open ' + title)", "st.button(reader.say(title))",
        "st.caption(reader.say(Text(N_('Goal: {goal}'), {'goal': goal})))", "box.error(str(problem))", "st.metric('NPS', title)",
        "st.metric('NPS', 3, delta=title)", "st.tabs([title])", "st.progress(0.5, text=title)", "column.date_input(title)",
        "st.radio('Grain', GRAINS, format_func=lambda g: g)", "st.button('Fine', help=title)", "st.toast(body=title)",
        "st.button(safe(title, 'html'))", "st.selectbox(label(column), names)", "words = title; st.toggle(words)", "st.html(title)",
        "st.html(f'<p>{title}</p>')", "figure.html(lambda m: title)", "st.html(m.reader.say(title))",
        "st.popover(view.passing.touchpoint)",
        "st.column_config.TextColumn(title)", "for a, b in zip((1, 2), titles):\n  st.button(b)",
        "st.button(WORDS.get(title, title))",
    ],
)  # fmt: skip
def test_data_in_a_label_is_found(line: str) -> None:
    source = f"def show(title, goal, column, view):\n {line.replace(chr(10), chr(10) + ' ')}\n\nshow(read())\n"
    assert Words(ast.parse(source), "pages/new.py").problems(), source


@pytest.mark.parametrize(
    "line",
    [
        "st.markdown('**fixed**')", "st.button(_('Open'))", "st.button(reader.say(N_('Open')))", "st.button(say(WORDS[which]))",
        "st.toggle(safe(title, 'markdown'))", "st.markdown(f\"**{_('How')}**\")", "words = say(N_('On')); st.toggle(words)",
        "st.html(page.m.notice(title))", "figure.html(lambda m: m.table([], title))",
        "st.caption(say(N_('A') if title else N_('B')))",
        "m.caption([title])", "for k, b in zip(days, (N_('From'), N_('To'))):\n  k.date_input(say(b))", "st.code(title)",
        "st.radio(_('Grain'), GRAINS, format_func=lambda g: say(WORDS[g]))", "st.selectbox(say(N_('All')), title)",
    ],
)  # fmt: skip
def test_fixed_words_and_escaped_data_pass(line: str) -> None:
    source = f"def show(title, which, days):\n {line.replace(chr(10), chr(10) + ' ')}\n\nshow(read())\n"
    assert Words(ast.parse(source), "pages/new.py").problems() == [], source


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (unmarked, "Text(f'{n} rows')"), (unmarked, "Text('all' + n)"), (unmarked, "N_(f'{n} rows')"), (unmarked, "N_(name)"),
        (unmarked, "Text('{n} rows', {'n': n})"), (unmarked, "raise ViewProblem('no such column')"), (unmarked, "_('a %s' % n)"),
        (unmarked, "Text(N_('{n} rows').format(n=n))"), (unmarked, "NP_('{n} row', many)"),
        (arithmetic, "frame.groupby('a').sum()"),
        (arithmetic, "frame.query('a > 1')"), (banned, "st.write(frame)"), (banned, "st.markdown('x', unsafe_allow_html=True)"),
        (banned, "st.column_config.LinkColumn('x')"), (banned, "st.components.v1.html('x')"), (banned, "import pickle"),
        (banned, "eval(text)"), (banned, "subprocess.run(text, shell=True)"), (banned, "Html('<b>')"), (banned, "st.table(frame)"),
    ],
)  # fmt: skip
def test_each_rule_finds_what_it_forbids(rule: Callable[[ast.Module, str], Found], line: str) -> None:
    assert rule(ast.parse(line), "pages/new.py")


def test_texts_of_places_and_signs_alone_need_no_translation() -> None:
    assert (
        unmarked(ast.parse("Text('{file}: {note}', {})\nText(N_('{n} rows'), {})\nText(metric.title)"), "pages/new.py")
        == []
    )


def test_one_function_draws_every_time_axis() -> None:
    def drawn(tree: ast.Module, _name: str) -> Found:
        return [(node.lineno, name) for node, name, _before in calls(tree) if name == "draw_trend"]

    elsewhere = [path for path in PAGES if path.name != "trends.py"]
    assert everywhere(elsewhere, drawn) == []  # so that dated changes stand on all of them


def test_a_page_has_two_chart_libraries_at_most_and_one_place_draws_with_them() -> None:
    charts = {name for name in dir(st) if name.endswith("_chart")} | {"map", "pyplot"}

    def drawn(tree: ast.Module, _name: str) -> Found:
        return [(node.lineno, name) for node, name, before in calls(tree) if name in charts and before == "st"]

    found = everywhere(PAGES, drawn)
    assert {line.split(":")[0] for line in found} == {"pages/parts/figure.py"}
    assert {line.split()[-1] for line in found} == {"altair_chart", "echarts_chart"}
