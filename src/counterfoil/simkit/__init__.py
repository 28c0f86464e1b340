"""What every simulator of an outside system shares: a small HTTP server, scheduled faults, webhook sending.

A simulator is written from its contract sheet and knows nothing of Counterfoil: import contracts forbid it
to use the adapters, the core or the ports, so that both sides of a contract cannot share a mistake.
"""
