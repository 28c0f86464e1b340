"""The whole system under bad luck, in one thread: same seed, same run, to the last hash (reliability G1–G3).

The real core, store, jobs and adapters meet the simulated vendors of the demonstration. Nothing here sleeps, opens a
socket or starts a thread: `clock` is the only time there is, `network` carries every request and webhook and loses,
doubles, delays and reorders them as `weather` says, `house` is our side and can stop at any commit or call, `life` is
what customers, warehouse and our people do, and `run` draws one step after the other from the seed.
"""
