"""Builders and fakes for our tests and for other people's vendors: values in one line, an outside world in memory.

`builders` makes orders, returns and parcels; `outside` is a portal, a shop, an ERP and a warehouse that remember what
they were asked; `road` carries a return along the real flow in one thread; `stopping` ends a process at a chosen
place; `inline` is an engine without threads.
"""
