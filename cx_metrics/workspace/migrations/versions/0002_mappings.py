"""How files with the same header were read before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mappings",
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("kept_at", sa.String(32), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
    )
