"""How Alembic reaches the catalog: by the connection that `Catalog` hands it."""

from alembic import context

from cx_metrics.workspace.catalog import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
