"""How Alembic runs the journal's migrations: on the connection that it is given, inside its transaction."""

from alembic import context

from serving.journal.schema import METADATA


def run() -> None:
    """Run what Alembic was asked for."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file
    run()
