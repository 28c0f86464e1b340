"""Words the account pages' templates use; our own pages have the same in `jinja.py`."""

from __future__ import annotations

from django import template

from counterfoil.web.jinja import asset

register = template.Library()
register.simple_tag(asset, name="asset")
