"""A stand-in for one NetSuite account over SuiteTalk REST, written from the contract sheet alone."""

from counterfoil.erps.netsuite.sim.app import NetSuiteSimulator

SIMULATOR = NetSuiteSimulator

__all__ = ["SIMULATOR", "NetSuiteSimulator"]
