"""Shops and payment providers, one folder a vendor."""
