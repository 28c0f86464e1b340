"""A stand-in for ReturnGO, written from the ReturnGO sheet: RMAs of single units, thin unsigned webhooks, scarce calls."""

from __future__ import annotations

from counterfoil.portals.returngo.sim.server import ReturnGoSimulator

SIMULATOR = ReturnGoSimulator

__all__ = ["SIMULATOR", "ReturnGoSimulator"]
