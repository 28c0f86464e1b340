"""Returns portals, one folder a vendor."""
