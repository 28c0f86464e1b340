"""The vocabulary of the proof: its legs, rules, classes, reasons and identities. Pure; the engine is elsewhere."""
