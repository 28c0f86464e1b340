"""How Prima says no: the codes of sheet §5 with their HTTP status, and the error body of the REST profile."""

from __future__ import annotations

from counterfoil.simkit.http import Response, json_response

# Code -> HTTP status. The first block is the table of sheet §5; the second fills what it leaves open (inferred).
STATUS: dict[str, int] = {
    "UNKNOWN_ORDER": 422,
    "UNKNOWN_CUSTOMER": 422,
    "UNKNOWN_SKU": 422,
    "UNKNOWN_DEPOT": 422,
    "UNKNOWN_REASON": 422,
    "UNKNOWN_TAX_CODE": 422,
    "UNKNOWN_ORDER_TYPE": 422,
    "QTY_EXCEEDS_DESPATCHED": 422,
    "QTY_EXCEEDS_AUTHORISED": 422,
    "RETURN_NOT_FOUND": 409,
    "RETURN_CLOSED": 409,
    "RETURN_NOT_RECEIVED": 409,
    "ALREADY_CREDITED": 422,
    "CREDIT_EXCEEDS_LINE_VALUE": 422,
    "TOTALS_MISMATCH": 422,
    "PERIOD_CLOSED": 423,
    "STOCK_UNAVAILABLE": 409,
    "ORDER_ON_HOLD": 409,
    "DUPLICATE_REF": 409,
    "IDEMPOTENCY_CONFLICT": 409,
    "RATE_LIMITED": 429,
    "ERP_UNAVAILABLE": 503,
    "ERP_TIMEOUT": 504,
    "MALFORMED": 400,
    "UNAUTHORISED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CREDIT_CANCELLED": 409,
    "ORDER_NOT_HELD": 409,
    "ORDER_CLOSED": 409,
    "INVALID_FIELD": 422,
    "INTERNAL_ERROR": 500,
    "BAD_GATEWAY": 502,
}

# Statuses after which the same request may be sent again (sheet §5).
RETRYABLE = frozenset({429, 500, 502, 503, 504})

# What a scheduled fault answers, by its kind.
CODE_OF_FAULT = {"401": "UNAUTHORISED", "429": "RATE_LIMITED", "500": "INTERNAL_ERROR", "503": "ERP_UNAVAILABLE"}


class Refusal(Exception):
    """Prima refuses: a code, a sentence, and the field it is about."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


def refused(refusal: Refusal, request_id: str) -> Response:
    """The refusal as the REST profile's error body; a 429 also says when to come back."""
    status = STATUS.get(refusal.code, 422)
    error = {
        "code": refusal.code,
        "message": refusal.message,
        "field": refusal.field,
        "retryable": status in RETRYABLE,
        "request_id": request_id,
    }
    headers = {"x-request-id": request_id} | ({"retry-after": "1"} if status == 429 else {})
    return json_response({"error": error}, status, headers)
