"""How the shop's webhooks are signed, named and answered (shop sheet §2). Header names live here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.adapterkit.signing import digest, signed_with_any
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

# each with the name of the coming "Events" system after it (sheet §2, last paragraph)
SIGNATURE = ("x-shopify-hmac-sha256", "shopify-hmac-sha256")
DELIVERY = ("x-shopify-webhook-id", "shopify-webhook-id")
TOPIC = ("x-shopify-topic", "shopify-topic")

TOPICS = (
    "orders/create",
    "orders/updated",
    "orders/edited",
    "orders/cancelled",
    "refunds/create",
    "order_transactions/create",
    "tender_transactions/create",
    "disputes/create",
    "disputes/update",
)


def header(delivery: Delivery, names: Sequence[str]) -> str | None:
    """The first of several header names that is there and not blank; names are case-insensitive (§2)."""
    sent = {name.lower(): value for name, value in delivery.headers.items()}
    return next((sent[name].strip() for name in names if sent.get(name, "").strip()), None)


def topic_of(delivery: Delivery) -> str | None:
    """The topic as the header names it, lower case."""
    topic = header(delivery, TOPIC)
    return topic.lower() if topic else None


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """The signature over the raw body, against every client secret that is valid now."""
    given = header(delivery, SIGNATURE)
    if given is None:
        return Signature.ABSENT
    return Signature.VALID if signed_with_any(given, secrets, delivery.body) else Signature.INVALID


def delivery_key(delivery: Delivery) -> str:
    """The webhook id, which is the same on retries; without one, topic and content."""
    given = header(delivery, DELIVERY)
    return f"shopify/{given}" if given else f"shopify/{digest(topic_of(delivery) or '', delivery.body)}"


def refuse(delivery: Delivery, signature: Signature) -> Reply | None:
    """Only valid deliveries are taken. The shop tries others again for hours, which is time to mend a wrong secret."""
    if signature is Signature.VALID:
        return None
    word = "missing" if signature is Signature.ABSENT else "wrong"
    return Reply(status=401, body=f'{{"error":"the signature is {word}"}}'.encode())


def accepted(_delivery: Delivery) -> Reply:
    """Anything but a 2xx within five seconds counts as failed."""
    return Reply(status=200, body=b'{"ok":true}')


HOOK = Hook(
    verify=verify,
    delivery_key=delivery_key,
    refuse=refuse,
    accepted=accepted,
    duplicate=accepted,
    limit_bytes=8 * 1024 * 1024,  # an order of several hundred lines with its refunds
    keep_refused=True,
)
