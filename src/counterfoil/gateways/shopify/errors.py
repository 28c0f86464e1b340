"""What the shop's refusals mean for us: one table from status and error code to outcome (shop sheet §1).

Reads only: nothing here ever wrote anything, so what is not in the table is `Busy` and counted by its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from counterfoil.core.problems import Owner
from counterfoil.ports.outcomes import Busy, LockedOut, Refused

Trouble = Busy | LockedOut | Refused

_LOCKED = {
    401: "Shopify does not accept the access token.",
    402: "The shop is frozen until its plan is paid.",
    403: "The access token lacks a right; read_orders and read_all_orders are needed.",
    423: "Shopify has locked the shop.",
}
_LOCKED_CODES = {
    "ACCESS_DENIED": "The access token lacks a right for what was asked.",
    "UNAUTHORIZED": "Shopify does not accept the access token.",
    "SHOP_INACTIVE": "The shop is not active.",
}
_REST_WORDS = (("not found", 404), ("invalid api key", 401), ("access denied", 403), ("calls per second", 429))
_OUR_FAULT = frozenset(
    {
        "MAX_COST_EXCEEDED",
        "undefinedField",
        "argumentNotAccepted",
        "missingRequiredArguments",
        "variableMismatch",
        "selectionMismatch",
    }
)


def http_trouble(status: int, headers: Mapping[str, str], value: Any) -> Trouble | None:
    """What a status other than 2xx means; None for 2xx. `value` is the body when it was JSON."""
    if 200 <= status < 300:
        return None
    detail, code = error_text(value), str(status)
    if status in _LOCKED:
        return LockedOut(message=_LOCKED[status], detail=detail, code=code)
    if status == 404:
        return Refused(kind="order_not_found", message="The shop has no such order.", detail=detail, code=code)
    if status in (429, 430):
        wait = _seconds(headers.get("retry-after"))
        return Busy(message="Shopify asks us to slow down.", detail=detail, code=code, after_s=wait or 2.0)
    if status >= 500 or status < 300:
        return Busy(message="Shopify has a fault of its own.", detail=detail, code=code)
    if status < 400:
        message = "The shop answers at another address now; correct the shop's name in the settings."
        return Refused(kind="configuration_rejected", owner=Owner.INTEGRATION, message=message, code=code)
    return Refused(
        kind="field_rejected",
        owner=Owner.INTEGRATION,
        message="Shopify refuses the request as we put it.",
        detail=detail,
        code=code,
    )


def graph_trouble(value: Any) -> Trouble | None:
    """What the errors in a GraphQL body mean; None when there are none, or when they spoil only a part of the answer."""
    errors = value.get("errors") if isinstance(value, Mapping) else None
    if not errors:
        return None
    detail = error_text(value)
    codes = [_code(error) for error in errors] if isinstance(errors, list) else []
    if "THROTTLED" in codes:
        wait = throttle_s(value)
        return Busy(message="Shopify asks us to slow down.", detail=detail, code="THROTTLED", after_s=wait)
    data = value.get("data")
    if isinstance(data, Mapping) and any(part is not None for part in data.values()):
        return None
    locked = next((code for code in codes if code in _LOCKED_CODES), None)
    if locked:
        return LockedOut(message=_LOCKED_CODES[locked], detail=detail, code=locked)
    ours = next((code for code in codes if code in _OUR_FAULT), None)
    if ours:
        message = "Shopify does not know what we asked for; the API version may be wrong."
        return Refused(
            kind="configuration_rejected", owner=Owner.INTEGRATION, message=message, detail=detail, code=ours
        )
    if isinstance(errors, str):
        return _from_words(errors)
    known = next((code for code in codes if code), None)
    return Busy(message="Shopify could not answer the question.", detail=detail, code=known)


def _from_words(errors: str) -> Trouble:
    """A REST refusal whose status was lost on the way, by the words the shop uses."""
    for words, status in _REST_WORDS:
        if words in errors.lower():
            trouble = http_trouble(status, {}, {"errors": errors})
            if trouble is not None:
                return trouble
    return Busy(message="Shopify could not answer the question.", detail=errors[:500])


def throttle_s(value: Any) -> float:
    """Seconds until enough points are back: what is missing over what returns each second, at least one."""
    try:
        cost = value["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = Decimal(cost["requestedQueryCost"]) - Decimal(status["currentlyAvailable"])
        wait = (missing / Decimal(status["restoreRate"])).to_integral_value(ROUND_CEILING)
        return float(min(max(wait, Decimal(1)), Decimal(60)))
    except (KeyError, TypeError, ValueError, ArithmeticError):  # NaN compares with nothing
        return 2.0


def error_text(value: Any) -> str:
    """The errors of a body in one line, for the log: Shopify writes them as text, list or object."""
    errors = value.get("errors", value.get("error")) if isinstance(value, Mapping) else None
    if isinstance(errors, str):
        return errors[:500]
    if isinstance(errors, list):
        return "; ".join(_message(error) for error in errors)[:500]
    if isinstance(errors, Mapping):
        return "; ".join(f"{name} {words}" for name, words in errors.items())[:500]
    return ""


def _message(error: Any) -> str:
    return str(error.get("message", "")) if isinstance(error, Mapping) else str(error)


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, Mapping) else None
    return str(extensions.get("code", "")) if isinstance(extensions, Mapping) else ""


def _seconds(text: str | None) -> float | None:
    try:
        number = Decimal(text or "")
    except ArithmeticError:
        return None
    return float(number) if number.is_finite() and number >= 0 else None
