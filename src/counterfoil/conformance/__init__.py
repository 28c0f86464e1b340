"""The conformance kit: one set of checks for every adapter, ours and other people's (style guide §7).

`counterfoil conformance` prints its table; the tests run the same suites over the catalogue. What a vendor must bring
is data in its folder (`fixtures/`, and `kit.json`, which says how they are delivered) and, when it has a client and a simulator, a
`rehearsal` module. Every failing row says what to do.
"""
