"""Where things are kept: one schema for SQLite and PostgreSQL, SQL in `.sql` files, thin modules around it."""
