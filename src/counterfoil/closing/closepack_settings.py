"""What finance agrees about the close: account names, where the day ends, what goods cost."""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Accounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The merchant's own names for the accounts of the proposed entries."""

    sales_returns: Text = "Sales returns"
    output_tax: Text = "Output tax on returns, to be adjusted"
    refund_liability: Text = "Refund liability"
    return_asset: Text = "Return asset"
    cost_of_sales: Text = "Cost of sales"
    refunds_clearing: Text = "Refunds paid, not yet credited"
    refunds_to_explain: Text = "Refunds to be explained"


class CloseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[close]` part of the settings. `zone` says in whose midnight a month ends; `costs` is a CSV file."""

    zone: Text = "UTC"
    costs: str | None = None
    accounts: Accounts = Accounts()
