"""A believable stand-in for Prima, written from the contract sheet alone.

It speaks the REST profile (sheet §5), the SOAP order manager (§2) and the file drop (§6) over one set of records.
"""

from __future__ import annotations

from counterfoil.erps.prima.sim.simulator import PrimaSimulator

SIMULATOR = PrimaSimulator

__all__ = ["SIMULATOR", "PrimaSimulator"]
