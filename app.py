"""Touchline's pages: their names, order and the data picker. Run it with `make run`, or `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from cx_metrics.texts import N_
from pages.parts import figure, navigation, saved_views, sidebar, state, undoing
from pages.parts.language import _

STATIC = Path(__file__).parent / "static"

st.set_page_config(page_title="Touchline", page_icon=str(STATIC / "icon.png"), layout="wide")
state.load()
saved_views.open_linked()
sidebar.choose_dataset_if_none()
undoing.watch()
GROUPS = {
    "": [
        ("start/overview.py", N_("Overview"), "", "dashboard"),
        ("start/views.py", N_("Views"), "views", "bookmarks"),
    ],
    N_("Behaviour"): [
        ("behaviour/flow.py", N_("Journey flow"), "flow", "conversion_path"),
        ("behaviour/drop_off.py", N_("Drop-off"), "drop-off", "filter_alt"),
        ("behaviour/stages.py", N_("Stages"), "stages", "stairs"),
        ("behaviour/touchpoint.py", N_("Touchpoint"), "touchpoint", "pin_drop"),
        ("behaviour/channels.py", N_("Channels"), "channels", "hub"),
        ("behaviour/personas.py", N_("Personas"), "personas", "groups"),
    ],
    N_("Opinion"): [("opinion/voice.py", N_("Voice"), "voice", "forum")],
    N_("Trust"): [
        ("start/data.py", N_("Data"), "data", "database"),
        ("trust/definitions.py", N_("Definitions"), "definitions", "menu_book"),
    ],
}
page = st.navigation({
    _(group): [
        st.Page(f"pages/{file}", title=_(title), url_path=path, icon=f":material/{icon}:", default=not path)
        for file, title, path, icon in pages
    ]
    for group, pages in GROUPS.items()
})  # fmt: skip
navigation.tell(GROUPS, page.url_path)
st.logo(str(STATIC / "logo.svg"), size="large", icon_image=str(STATIC / "logo_mark.svg"))
figure.page_style()
sidebar.show()
state.save()
saved_views.turn()
page.run()
state.save()
undoing.settle()
