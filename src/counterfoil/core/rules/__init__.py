"""The gates a refund must pass, one a file. A file's name is the rule's identifier in the log and on screen.

Each answers pass, hold (until when), or "a person must look". An error inside a rule holds the refund.
"""
