"""How Alembic runs the journal's migrations: on the connection that it is given, inside its transaction."""

from alembic import context

from serving.journal.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
