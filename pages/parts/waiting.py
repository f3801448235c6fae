"""Whether a reader still waits for what a page asks. Who changes a filter, presses Stop or closes the tab does not, and the
query that was asked for them ends; then Streamlit stops the page, or starts it anew, as it would at the next thing shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from cx_metrics.engines import asking_while
from cx_metrics.errors import Cancelled

Given = ParamSpec("Given")
Found = TypeVar("Found")


def while_waited_for(ask: Callable[Given, Found]) -> Callable[Given, Found]:
    """The same question, given up when the run of the page that asks is to end."""

    @functools.wraps(ask)
    def asked(*given: Given.args, **named: Given.kwargs) -> Found:
        run = get_script_run_ctx(suppress_warning=True)
        if run is None or run.script_requests is None:  # no page asks
            return ask(*given, **named)
        requests = run.script_requests
        try:
            # Streamlit ends its thread with the run
            with asking_while(lambda: not is_to_end(requests), steps_back=True, who=run.session_id):
                return ask(*given, **named)
        except Cancelled:
            pass
        run.yield_check()  # raises what ends the run: not within the answer that is kept for all
        return ask(*given, **named)  # a run that cannot end here needs its answer

    return asked


def is_to_end(requests: ScriptRequests) -> bool:
    """Whether a run has been asked to stop or to start anew. Looks only: `on_scriptrunner_yield` takes the request, and its rule
    is this one. A part of the page that is to be drawn again waits until the run is through."""
    if requests._state is ScriptRequestType.RERUN:
        wanted = requests._rerun_data
        return not wanted.fragment_id_queue or wanted.is_fragment_scoped_rerun
    return requests._state is ScriptRequestType.STOP
