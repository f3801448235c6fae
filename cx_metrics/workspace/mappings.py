"""How files were read before: what somebody confirmed for a header is there for the next file that has it.

The catalog counts; a file for each is for building it again."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files
from cx_metrics.workspace.access import EVERY, Viewer, authorize
from cx_metrics.workspace.ids import now

FOLDER = "mappings"
MOST_MAPPINGS = 1_000  # beyond, the ones that were confirmed longest ago are forgotten
MOST_SIGNS = 256 * 1024  # of one: 500 columns with a question each


class KeptMappings:
    """What a workspace knows of headers it has met. `fingerprint` stands for a header (`reading.fingerprint`); what is kept is
    text, as `reading.mapping_to_yaml` writes it."""

    root: Path
    catalog: c.Catalog
    viewer: Viewer

    def mapping_of(self, fingerprint: str) -> str | None:
        """How a file with this header was read the last time; None if nobody confirmed one."""
        authorize(self.viewer, EVERY, "change")
        with self.catalog.reading() as connection:
            asked = sa.select(c.mappings).where(c.mappings.c.fingerprint == _checked(fingerprint))
            row = connection.execute(asked).mappings().first()
        return None if row is None else str(c.unsealed(row)["said"])

    def keep_mapping(self, fingerprint: str, said: str) -> None:
        """Remember how files with this header are read; what was remembered for it before is replaced."""
        authorize(self.viewer, EVERY, "change")
        if len(said) > MOST_SIGNS:
            raise WorkspaceProblem(N_("The mapping is too large to be remembered: more than {limit} kB."),
                                   limit=MOST_SIGNS // 1024)  # fmt: skip
        kept = {"fingerprint": _checked(fingerprint), "said": c.kept_text(said), "kept_at": now()}
        with self.catalog.writing() as connection:
            connection.execute(c.mappings.delete().where(c.mappings.c.fingerprint == fingerprint))
            connection.execute(c.mappings.insert().values(c.sealed(kept)))
            files.write_json(self.root / FOLDER / f"{fingerprint}.json", kept)
            newest = sa.select(c.mappings.c.fingerprint).order_by(c.mappings.c.kept_at.desc(), c.mappings.c.fingerprint)
            old = list(connection.execute(newest.offset(MOST_MAPPINGS)).scalars())
            connection.execute(c.mappings.delete().where(c.mappings.c.fingerprint.in_(old)))
            for gone in old:
                files.remove(self.root / FOLDER / f"{gone}.json")

    def forget_mapping(self, fingerprint: str) -> None:
        """Read the next file with this header as if there had been none before."""
        authorize(self.viewer, EVERY, "change")
        with self.catalog.writing() as connection:
            connection.execute(c.mappings.delete().where(c.mappings.c.fingerprint == _checked(fingerprint)))
            files.remove(self.root / FOLDER / f"{fingerprint}.json")


def write_mappings(connection: sa.Connection, root: Path) -> None:
    """Write the rows of the mappings whose files are there."""
    rows = []
    for path in sorted((root / FOLDER).glob("*.json")):
        try:
            kept = files.read_json(path)
            row = {"fingerprint": _checked(path.stem), "said": str(kept["said"]), "kept_at": str(kept["kept_at"])}
        except (ValueError, KeyError, TypeError):  # not one of ours, or not whole
            continue
        rows.append(c.sealed(row))
    if rows:
        connection.execute(c.mappings.insert(), rows)


def _checked(fingerprint: str) -> str:
    """The fingerprint, if it is one: it becomes the name of a file. Raises ValueError otherwise."""
    if len(fingerprint) not in (32, 64) or not set(fingerprint) <= set("0123456789abcdef"):
        raise ValueError(f"a fingerprint is hexadecimal digits, not {fingerprint[:80]!r}")
    return fingerprint
