"""`counterfoil init`: a settings file to start from, with every setting of every vendor explained.

The text is made from the vendors' own configuration types, so it cannot fall behind them.
"""

from __future__ import annotations

import enum
import textwrap
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from counterfoil.catalog import ERPS, GATEWAYS, PORTALS, WAREHOUSES
from counterfoil.cli import fail
from counterfoil.ports.vendors import VendorSpec

_HEAD = """\
# Counterfoil's settings. Remove the connections you do not have, fill in the others, then run:
#   counterfoil migrate && counterfoil check && counterfoil serve
# A value "env:NAME" is taken from the environment, "file:PATH" from a file beside this one: keep secrets there.

# database = "postgresql://counterfoil@localhost/counterfoil"   # default: SQLite in the data folder
data_dir = ".counterfoil"
poll_every_s = 300

[server]
host = "127.0.0.1"
port = 8300
public_url = "https://returns.example.com"

[close]
# zone = "Europe/London"      # in whose midnight a month ends
# costs = "costs.csv"         # sku,cost,currency: values the return asset; without it the asset is unknown, never zero

[close.accounts]              # your names for the accounts of the proposed entries
# refund_liability = "2310 Refund liability"

[scorecard]
# aged_days = 14
# [[scorecard.category]]      # targets by category; a return belongs to the first that holds it
# name = "shoes"
# skus = ["SHOE-*"]
# targets = { cycle_time = 12, refund_sla = 72 }
# Who is told outside the console. Without a mail server no mail is made; webhooks are signed (Standard Webhooks).
[notify]
# sender = "counterfoil@example.com"
# digest_hour_utc = 7                       # each team's digest of what is open
# people = { robin = "robin@example.com" }  # user name = address, for what is given to or names somebody
# teams = { finance = ["finance@example.com"], ops = ["ops@example.com"] }
# smtp = { host = "mail.example.com", port = 587, user = "counterfoil", password = "env:SMTP_PASSWORD" }
# webhook = [{ url = "https://ops.example.com/hook", secret = "env:NOTIFY_SECRET" }]
"""

_SETUP = """
# What one brand agreed for one portal.
[[setup]]
brand = "example"
portal = "{portal}"
preset = "controlled"        # or credit-first, portal-led, restock-mirror, instant-funded
# document = "file:policy.toml"   # a whole policy of its own instead: see docs/policies.md
connections = {{ portal = "example-{portal}", shop = "example-{shop}", erp = "example-{erp}" }}

[setup.policy]               # single axes on top of the preset
# credit_within_hours = 24

# The words to start with. The database keeps them from then on: change them on the page Mappings.
[setup.mapping]
version = "1"
skus = {{}}                    # shop SKU = ERP SKU, where they differ
reasons = {{ "Too small" = "SIZE" }}
depots = {{ "MAIN/sellable" = "MAIN", "MAIN/damaged" = "DMG", "MAIN/dispose" = "" }}   # "" is written off
# quarantine_depot = "RETQ"
"""


def run(target: Path) -> int:
    """Write the file; refuses to overwrite one."""
    if target.exists():
        fail(f"{target} exists already; remove it first or name another file")
    target.write_text(template(), "utf-8")
    print(f"{target} is written: fill it in, then run counterfoil check")
    return 0


def template() -> str:
    """The whole file as text."""
    parts = [_HEAD]
    parts += [_connection(spec) for spec in (*PORTALS, *GATEWAYS, *WAREHOUSES, *ERPS)]
    parts.append(_SETUP.format(portal=PORTALS[0].name, shop=GATEWAYS[0].name, erp=ERPS[0].name))
    return "\n".join(parts)


def _connection(spec: VendorSpec) -> str:
    lines = [
        f"\n# {spec.title}",
        "[[connection]]",
        f'name = "example-{spec.name}"',
        'brand = "example"',
        f'vendor = "{spec.name}"',
        "slots = 2  # calls under way at once",
        "",
        "[connection.config]",
    ]
    hints = get_type_hints(spec.config, include_extras=True)
    for field in msgspec.structs.fields(spec.config):
        lines += _field(spec.name, field, hints[field.name], secret=field.name in spec.secrets)
    return "\n".join(lines) + "\n"


def _field(vendor: str, field: msgspec.structs.FieldInfo, hint: Any, *, secret: bool) -> list[str]:
    """The help text as a comment, then the setting: live when it must be given, commented out at its default."""
    meta = next((part for part in get_args(hint) if isinstance(part, msgspec.Meta)), None)
    told = (meta.description or meta.title or "") if meta is not None else ""
    lines = [f"# {line}" for line in textwrap.wrap(told, 110)]
    if secret:
        lists = "[" in str(field.type) and "tuple" in str(field.type)
        value = f"env:{vendor.upper()}_{field.name.upper()}"
        shown = f'["{value}"]' if lists else f'"{value}"'
        return [*lines, f"{'' if field.required or lists else '# '}{field.encode_name} = {shown}"]
    if field.required:
        return [*lines, f'{field.encode_name} = ""']
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return [*lines, f"# {field.encode_name} = {_toml(default)}"]


def _toml(value: Any) -> str:
    """A default as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return f'"{value.value}"'
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple | frozenset | set):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        return "{ " + ", ".join(f"{_toml(str(key))} = {_toml(item)}" for key, item in plain.items()) + " }"
    return _toml(str(plain))
