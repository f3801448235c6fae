"""Exports of tools that are known by their headers: a file for each tool says how they are recognised and read.

`presets.py` reads and matches them, `proposals.py` makes a mapping of one, `notes.py` has the sentences that they refer to.
"""

from cx_metrics.reading.presets.presets import Match, Preset, find_preset, presets
from cx_metrics.reading.presets.proposals import Proposal, propose

__all__ = ["Match", "Preset", "Proposal", "find_preset", "presets", "propose"]
