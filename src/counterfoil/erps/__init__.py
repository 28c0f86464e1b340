"""ERPs, one folder a vendor."""
