"""The SQLite file: connections, schema, errors."""
