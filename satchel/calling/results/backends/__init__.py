"""The result backends: Redis, rpc, files and SQLAlchemy."""
