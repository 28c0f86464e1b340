"""The JSON API: for everything the console can do, with the same permissions asked at the same place.

An endpoint is one row of a table (`endpoints.py`); addresses, checks and the OpenAPI document follow from it.
"""
