"""Counterfoil carries returns from the portal into the ERP and proves that both halves agree."""
