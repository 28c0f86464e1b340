"""What finance signs: the nightly proof over our own stores and the ERP's read-back, and what is made of it.

`own_books` gives portal, gateway and warehouse as they told us; `read_back` asks the ERP what it really holds (R142);
`nightly` proves one against the other and opens, updates and ends exceptions. Money and units meet in the same
matching core as `reconcile files` (matching.md); nothing here matches anything itself.
"""
