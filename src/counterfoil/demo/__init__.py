"""The demonstration: a believable week of returns through simulated systems, over real HTTP and signatures.

The parts in order: `goods` (what was sold), `week` (what comes back and how), `erps` (the same orders as each ERP holds
them), `stage` (simulators listening, settings written), `play` (the week happens), `summary` (what everybody ends with).
"""
