"""What is kept: datasets and their immutable versions, sources, jobs."""

from cx_metrics.workspace.served import ServedWorkspace, open_workspace
from cx_metrics.workspace.store import DatasetInfo, Source, Version, Workspace, default_root

__all__ = ["DatasetInfo", "ServedWorkspace", "Source", "Version", "Workspace", "default_root", "open_workspace"]
