"""How each item of an Adyen notification is signed, and the one answer Adyen understands (sheet §10). Pure."""

from __future__ import annotations

import binascii
from collections.abc import Sequence

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.adapterkit.signing import digest, hmac_base64, matches
from counterfoil.gateways.adyen.items import Item, items
from counterfoil.gateways.adyen.translate import of_item
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

ACCEPTED = b"[accepted]"


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """Valid only when every item is. A notification none of whose items is signed has no signature."""
    found = _verdicts(delivery, secrets)
    if all(one is Signature.ABSENT for one in found):
        return Signature.ABSENT
    return Signature.VALID if all(one is Signature.VALID for one in found) else Signature.INVALID


def verify_each(delivery: Delivery, secrets: Sequence[str]) -> tuple[Signature, ...]:
    """One verdict per refund notice of `translate`, in its order. Never raises."""
    verdicts = zip(_items(delivery), _verdicts(delivery, secrets), strict=True)
    return tuple(verdict for item, verdict in verdicts for _ in of_item(item).refunds)


def _items(delivery: Delivery) -> list[Item]:
    try:
        return items(delivery.body)
    except UnreadableError:
        return []


def _verdicts(delivery: Delivery, secrets: Sequence[str]) -> list[Signature]:
    keys = _keys(secrets)
    return [_verdict(item, keys) for item in _items(delivery)]


def _verdict(item: Item, keys: Sequence[bytes]) -> Signature:
    if not item.signature:
        return Signature.ABSENT
    text = item.signed_text.encode("utf-8", "surrogateescape")
    fits = matches(item.signature, [hmac_base64(key, text) for key in keys])
    return Signature.VALID if fits else Signature.INVALID


def _keys(secrets: Sequence[str]) -> list[bytes]:
    """The raw keys; one that is not hexadecimal can sign nothing and is passed over."""
    keys = []
    for secret in secrets:
        try:
            key = binascii.unhexlify(secret.strip())
        except (binascii.Error, ValueError):
            continue
        if key:
            keys.append(key)
    return keys


def delivery_key(delivery: Delivery) -> str:
    """What its items are about (§10), for the notification has no id; the bytes when it cannot be read."""
    told = _items(delivery)
    if not told:
        return f"adyen/sha:{digest(delivery.body)}"
    return f"adyen/{digest(*(part for item in told for part in item.identity))}"


def refuse(_delivery: Delivery, signature: Signature) -> Reply | None:
    """Only a notification whose every item is signed is taken; Adyen sends the others again and again."""
    if signature is Signature.VALID:
        return None
    word = "missing" if signature is Signature.ABSENT else "wrong"
    return Reply(status=401, body=f"the signature is {word}".encode(), content_type="text/plain")


def accepted(_delivery: Delivery) -> Reply:
    """Exactly these words, else the notification comes again (§10)."""
    return Reply(status=200, body=ACCEPTED, content_type="text/plain")


HOOK = Hook(
    verify=verify,
    delivery_key=delivery_key,
    refuse=refuse,
    accepted=accepted,
    duplicate=accepted,
    verify_each=verify_each,
)
