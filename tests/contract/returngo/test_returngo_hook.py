"""ReturnGO signs nothing: the webhook's address is the secret (ReturnGO sheet §5)."""

from __future__ import annotations

import pytest

from counterfoil.portals.returngo.webhooks import HOOK
from counterfoil.ports.translation import Signature
from counterfoil.ports.vendors import Delivery

OLD, NEW = "an-old-example-path-1", "a-new-example-path-2"
BODY = b'{"eventName":"RMA_CREATED","rmaId":"1000001"}'


@pytest.mark.parametrize("tail", [OLD, NEW, f"/{NEW}/", f"{NEW}/"])
def test_either_secret_path_is_accepted_as_what_it_is_unsigned(tail: str) -> None:
    assert HOOK.verify(Delivery(body=BODY, path_tail=tail), [OLD, NEW]) is Signature.NOT_SIGNED


@pytest.mark.parametrize("tail", ["guessed", NEW[:-1], NEW + "x", NEW.upper(), "ünïcode", f"{NEW}/more"])
def test_any_other_path_is_invalid(tail: str) -> None:
    assert HOOK.verify(Delivery(body=BODY, path_tail=tail), [OLD, NEW]) is Signature.INVALID


def test_no_path_is_absent() -> None:
    assert HOOK.verify(Delivery(body=BODY), [OLD]) is Signature.ABSENT


@pytest.mark.parametrize("secrets", [[], [""], ["/"]])
def test_without_a_secret_nothing_is_accepted(secrets: list[str]) -> None:
    assert HOOK.verify(Delivery(body=BODY, path_tail="x"), secrets) is Signature.INVALID
    assert HOOK.verify(Delivery(body=BODY, path_tail=""), secrets) is Signature.ABSENT


@pytest.mark.parametrize("signature", [Signature.INVALID, Signature.ABSENT])
def test_what_came_elsewhere_is_answered_as_if_nothing_were_there(signature: Signature) -> None:
    reply = HOOK.refuse(Delivery(body=BODY), signature)
    assert reply is not None and reply.status == 404
    assert HOOK.keep_refused is False


def test_what_came_to_the_secret_path_is_kept_and_answered_at_once() -> None:
    delivery = Delivery(body=BODY, path_tail=NEW)
    assert HOOK.refuse(delivery, Signature.NOT_SIGNED) is None
    assert (HOOK.accepted(delivery).status, HOOK.duplicate(delivery).status) == (200, 200)


def test_a_dated_body_is_the_same_delivery_whenever_it_comes() -> None:
    body = b'{"eventName":"RMA_CREATED","rmaId":"1","eventDate":"2026-03-02T10:00:00+00:00"}'
    first, later = Delivery(body=body, arrived_at=0.0), Delivery(body=body, arrived_at=90_000.0)
    assert HOOK.delivery_key(first) == HOOK.delivery_key(later)


def test_an_undated_body_is_news_again_in_another_hour() -> None:
    first, soon, later = (Delivery(body=BODY, arrived_at=at) for at in (7200.0, 7260.0, 90_000.0))
    assert HOOK.delivery_key(first) == HOOK.delivery_key(soon)
    assert HOOK.delivery_key(first) != HOOK.delivery_key(later)
