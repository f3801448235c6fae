"""What is kept: datasets and their immutable versions, sources, jobs."""

from cx_metrics.workspace.store import DatasetInfo, Source, Version, Workspace, default_root

__all__ = ["DatasetInfo", "Source", "Version", "Workspace", "default_root"]
