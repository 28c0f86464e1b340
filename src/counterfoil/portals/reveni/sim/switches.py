"""What a test can set in this Reveni, in the world or over `POST /__sim/settings`.

Nearly everything about Reveni is inferred (sheet §6, §8); each such reading is a switch, the likeliest its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from counterfoil.simkit.outbox import MISHAPS

Json = dict[str, Any]

DEFAULTS: Json = {
    # -- the store
    "store_id": "9f0c1d5b7a2e4c6688aa001122334455",
    "sandbox_store_id": "5a5a0c1d5b7a2e4c6688aa0011223344",
    "store_name": "Example Store",
    "currency": "GBP",
    "shop": None,  # {url, access_token} of the simulated shop
    "shop_restock": "no_restock",  # restock type of the refunds it makes in the shop
    "shop_location_id": None,
    "warehouse": {"id": "wh-1", "name": "Leeds"},  # or null: then the location comes from our own settings
    "clock": None,
    # -- policy of the merchant (§4, §5)
    "instant": False,
    "refund_method": "original_payment_method",
    "undecided_days": 30,  # an instant return nobody decides is accepted after so long
    "auto_cancel_days": None,  # ordinary requests whose goods never move
    "withhold": False,  # refunds stay pending until issued by hand
    "delivery_receives": True,  # the carrier's delivery makes it RECEIVED
    # -- inferred: limits and errors
    "per_second": 50,
    "retry_after_s": 1,
    "error_shape": "detail",  # or code: {"code","message"}
    "verdict_refusal": 409,  # or 422: a verdict on a return that is decided
    # -- inferred: how a return is written
    "naming": "main",  # or other: the bracketed names of §6 (uuid, transaction_type, mode, …)
    "money_as": "number",  # or text
    "times_as": "iso",  # or unix
    "api_case": "upper",  # statuses in API answers (§4, R5)
    "hook_case": "lower",  # statuses in webhooks (§3, R3)
    "partly_word": "PARTLY_ACCEPTED",  # or PARTIALLY_ACCEPTED, or ACCEPTED: only the items tell then
    "pending_word": "pending",  # or pending_validation
    "uneven_units": "split_rows",  # or rounded: units of one row that were not paid the same
    "show_tax": True,  # discount_amount and tax_amount may be absent
    "unknown_keys": True,
    # -- inferred: verdicts
    "validate_finishes": True,  # the last verdict decides the return
    "repeat_verdict": "refused",  # or ignored: units that were decided before
    "api_restock": None,  # what `restock` reads after a verdict by API, which cannot say it
    # -- inferred: webhooks are unsigned; with a secret they carry a hex HMAC-SHA256 of the body
    "signature_secret": None,
    "signature_header": "X-Reveni-Signature",
    **MISHAPS,
}

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "refund_method": ("original_payment_method", "store_credit", "bank_transfer"),
    "error_shape": ("detail", "code"),
    "verdict_refusal": (409, 422),
    "naming": ("main", "other"),
    "money_as": ("number", "text"),
    "times_as": ("iso", "unix"),
    "api_case": ("upper", "lower"),
    "hook_case": ("upper", "lower"),
    "partly_word": ("PARTLY_ACCEPTED", "PARTIALLY_ACCEPTED", "ACCEPTED"),
    "pending_word": ("pending", "pending_validation"),
    "uneven_units": ("split_rows", "rounded"),
    "repeat_verdict": ("refused", "ignored"),
}


def settings_of(world: Mapping[str, Any]) -> Json:
    """The defaults under what a world says. Raises ValueError for a choice there is not."""
    settings = deepcopy(DEFAULTS)
    change(settings, world)
    return settings


def change(settings: Json, given: Mapping[str, Any]) -> None:
    """Set what is named; other keys are left alone. Raises ValueError and changes nothing then."""
    for name, allowed in CHOICES.items():
        if name in given and given[name] not in allowed:
            raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}, not {given[name]!r}")
    settings.update({name: deepcopy(given[name]) for name in DEFAULTS if name in given})
