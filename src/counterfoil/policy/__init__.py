"""Policies as files: read, checked against each other and the systems, drawn, kept in versions, tried on history."""
