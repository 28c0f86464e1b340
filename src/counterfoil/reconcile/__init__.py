"""The proof on files: exported legs matched in DuckDB, with no connection and no account."""
