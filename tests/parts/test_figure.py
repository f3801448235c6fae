"""A card on a page: finding, note, caption; its table on demand; and the page kept as one file."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import pandas as pd
    import streamlit as st

    from cx_metrics.charts.funnel import draw_funnel
    from cx_metrics.exports.html import book_html
    from pages.parts import exporting, figure
    from pages.parts.language import reader

    frame = pd.DataFrame(
        {
            "step": [1, 2],
            "touchpoint": ["<b>", "=1"],
            "customers": [10, 4],
            "share_of_first": [1, 0.4],
            "drop_off": [0, 6],
        }
    )
    figure.begin()
    figure.opened("Overview", "The page", "Why?", ["October"])
    with figure.card("one", "A finding", "a note", ["ten people"], figure.Explain("how", frame)):
        figure.altair(lambda who: draw_funnel(frame, who), alt="what it shows")
        figure.html(lambda m: m.table(["a"], [["<i>x</i>"]]))
    with figure.card("two", "Another finding"):
        figure.html(lambda m: m.notice(m.reader.mode))
    book, stem = exporting.collect("page", reader(), lambda _n, _of: None)
    st.session_state["made"] = book_html(book, reader())
    st.session_state["stem"] = stem


def run() -> AppTest:
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    return app


def test_the_file_has_what_the_page_showed_in_its_order() -> None:
    made = run().session_state["made"]
    shown = ("The page", "October", "A finding", "a note", "<svg", "&lt;i&gt;x", "ten people", "Another")
    places = [made.index(words) for words in shown]
    assert places == sorted(places)
    assert "<i>x</i>" not in made


def test_a_second_run_does_not_show_cards_twice() -> None:
    app = run()
    app.run()
    assert app.session_state["made"].count("A finding") == 1


def test_the_data_come_as_a_table_when_asked_for() -> None:
    app = run()
    assert len(app.dataframe) == 0
    app.toggle(key="table_one").set_value(True).run()
    assert list(app.dataframe[0].value["customers"]) == [10, 4]


def test_a_card_with_a_chart_offers_its_pictures_and_its_numbers() -> None:
    app = run()
    offered = [button.proto.label for button in app.get("download_button")]
    assert offered == ["Download CSV", "Picture (SVG)", "Picture (PNG)"]


def test_the_name_of_a_file_is_that_of_the_page_and_nothing_of_the_data() -> None:
    assert run().session_state["stem"] == "overview"
