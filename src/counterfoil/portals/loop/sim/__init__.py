"""A stand-in for Loop Returns, written from the Loop sheet: returns, actions, and PHP-flavoured signed webhooks."""

from __future__ import annotations

from counterfoil.portals.loop.sim.server import LoopSimulator

SIMULATOR = LoopSimulator

__all__ = ["SIMULATOR", "LoopSimulator"]
