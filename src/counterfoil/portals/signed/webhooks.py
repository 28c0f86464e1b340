"""Signatures as the mapping describes them: Standard Webhooks, or one HMAC. Pure and quick: it runs before the answer."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence

from counterfoil.adapterkit.parse import UnreadableError, read_object
from counterfoil.adapterkit.signing import digest, matches
from counterfoil.portals.signed.mapping import SignedMapping, Signing
from counterfoil.portals.signed.paths import at
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery, Hook, Reply

_KEY_PREFIX = "whsec_"


def hook_for(mapping: SignedMapping) -> Hook:
    """The hook of a portal that signs like this."""
    return Hook(
        verify=_verifier(mapping.signing),
        delivery_key=_keyer(mapping),
        refuse=_refuse,
        accepted=_accepted,
        duplicate=_accepted,
    )


def _verifier(signing: Signing) -> Callable[[Delivery, Sequence[str]], Signature]:
    standard = signing.scheme == "standard_webhooks"

    def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
        given = delivery.headers.get(signing.header, "").strip()
        if not given:
            return Signature.ABSENT
        signed = _signed(delivery, signing)
        if signed is None:
            return Signature.INVALID
        keys = [key for secret in secrets if (key := _key(secret, "base64" if standard else signing.secret))]
        expected = [_written(hmac.digest(key, signed, signing.algorithm), signing.encoding) for key in keys]
        fits = [matches(one, expected) for one in _offered(given, signing)]  # all, so that the time tells nothing
        return Signature.VALID if any(fits) else Signature.INVALID

    return verify


def _signed(delivery: Delivery, signing: Signing) -> bytes | None:
    """The text under the signature; None when a part is missing or the moment is too far from the arrival."""
    form = "{id}.{timestamp}.{body}" if signing.scheme == "standard_webhooks" else signing.text
    before, _, after = form.partition("{body}")
    moment = delivery.headers.get(signing.timestamp_header, "").strip()
    sent_id = delivery.headers.get(signing.id_header, "").strip()
    if "{timestamp}" in form and not _fresh(moment, delivery.arrived_at, signing.tolerance_s):
        return None
    if "{id}" in form and not sent_id:
        return None
    parts = [part.replace("{timestamp}", moment).replace("{id}", sent_id) for part in (before, after)]
    first, last = (part.encode("utf-8", "surrogateescape") for part in parts)
    return first + delivery.body + last


def _fresh(moment: str, arrived_at: float, tolerance_s: int) -> bool:
    plain = moment.isascii() and moment.isdecimal() and len(moment) <= 12
    return plain and abs(arrived_at - int(moment)) <= tolerance_s


def _offered(given: str, signing: Signing) -> list[str]:
    """Every signature in the header; Standard Webhooks sends several while a secret is replaced."""
    if signing.scheme == "standard_webhooks":
        return [part.removeprefix("v1,") for part in given.split() if part.startswith("v1,")]
    return [given.removeprefix(signing.prefix)] if given.startswith(signing.prefix) else []


def _key(secret: str, kind: str) -> bytes:
    """The raw key; a secret that is not written as agreed can sign nothing and is passed over."""
    text = secret.strip()
    try:
        match kind:
            case "base64":
                text = text.removeprefix(_KEY_PREFIX)
                return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
            case "hex":
                return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        return b""
    return text.encode()


def _written(raw: bytes, encoding: str) -> bytes:
    return base64.b64encode(raw) if encoding == "base64" else raw.hex().encode()


def _keyer(mapping: SignedMapping) -> Callable[[Delivery], str]:
    def delivery_key(delivery: Delivery) -> str:
        """The event's own id in the signed body, else the bytes: a header that is not signed may lie."""
        try:
            event_id = at(read_object(delivery.body), mapping.paths.event_id).text
        except UnreadableError:
            event_id = None
        return f"signed/{event_id}" if event_id else f"signed/sha:{digest(delivery.body)}"

    return delivery_key


def _refuse(_delivery: Delivery, signature: Signature) -> Reply | None:
    """Only valid deliveries are taken; a sender that repeats them gives time to mend a wrong secret."""
    if signature is Signature.VALID:
        return None
    word = "missing" if signature is Signature.ABSENT else "wrong or too old"
    return Reply(status=401, body=f'{{"error":"the signature is {word}"}}'.encode())


def _accepted(_delivery: Delivery) -> Reply:
    """Any 2xx is enough."""
    return Reply(status=200, body=b'{"ok":true}')
