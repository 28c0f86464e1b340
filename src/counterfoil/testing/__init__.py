"""Builders and fakes for our tests and for other people's vendors."""
