"""The credit note, to the last minor unit, with its explanation: rule ATTR-1 of the shop sheet (§8)."""
