"""Warehouses, one folder a way of speaking."""
