"""A stand-in for Reveni, written from the Reveni sheet: instant and ordinary returns, thin webhooks, item verdicts."""

from __future__ import annotations

from counterfoil.portals.reveni.sim.server import ReveniSimulator

SIMULATOR = ReveniSimulator

__all__ = ["SIMULATOR", "ReveniSimulator"]
