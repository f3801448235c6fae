"""What is kept: datasets and their immutable versions, sources, segments, views, jobs, and the catalog that lists them."""

from cx_metrics.workspace import jobs
from cx_metrics.workspace.access import NOBODY, OWNER, Viewer
from cx_metrics.workspace.facts import facts_from_dict, facts_to_dict
from cx_metrics.workspace.served import ServedWorkspace, open_workspace
from cx_metrics.workspace.sources import Source
from cx_metrics.workspace.store import DatasetInfo, Version, Workspace, default_root
from cx_metrics.workspace.views import SavedView

__all__ = [
    "NOBODY",
    "OWNER",
    "DatasetInfo",
    "SavedView",
    "ServedWorkspace",
    "Source",
    "Version",
    "Viewer",
    "Workspace",
    "default_root",
    "jobs",
    "facts_from_dict",
    "facts_to_dict",
    "open_workspace",
]
