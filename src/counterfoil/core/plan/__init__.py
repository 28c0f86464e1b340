"""The stages of a return in their order (R48).

Each looks at the case and says what to ask, what is wrong, what it waits for; none changes anything.
"""
