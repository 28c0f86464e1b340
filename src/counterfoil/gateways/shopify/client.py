"""Reading from one shop: an order with its refunds, what changed since a moment, and the webhooks that must exist.

We never write orders, refunds or money here: the only thing made in the shop is a webhook subscription.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.commands import AnyCommand, FetchOrder
from counterfoil.gateways.shopify.config import ReadWith, ShopifyConfig
from counterfoil.gateways.shopify.reading import FailedError, GraphReader, Reader, RestReader
from counterfoil.gateways.shopify.session import Session
from counterfoil.gateways.shopify.translate import order_translation, unreadable
from counterfoil.gateways.shopify.webhooks import TOPICS
from counterfoil.ports.outcomes import Busy, Done, Outcome, Refused, Unsupported
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Probe

T = TypeVar("T")

PATIENCE = 6  # how often one page is asked for again when the shop is busy
_ORDER_ID = re.compile(r"(?:gid://shopify/Order/)?(\d+)")


class ShopifyClient:
    """One shop. `pause` waits that many seconds; only `changes` waits, `perform` tries once."""

    def __init__(self, config: ShopifyConfig, pause: Callable[[float], None] = time.sleep) -> None:
        self._session = Session(config)
        reader = GraphReader if config.read_with is ReadWith.GRAPHQL else RestReader
        self._reader: Reader = reader(self._session)
        self._pause = pause

    def perform(self, command: AnyCommand) -> Outcome:
        """Read the order of a `FetchOrder`; anything else is not the shop's to do."""
        if not isinstance(command, FetchOrder):
            name = type(command).__name__
            return Unsupported(message=f"Shopify is only read: it has no part in {name}.")
        try:
            body = self._find_order(command.case.order_ref, command.case.order_name)
            return _done(order_translation(body))
        except FailedError as failed:
            return failed.outcome
        except UnreadableError as error:
            message = f"The shop's order cannot be read: {error}."
            return Refused(kind="unreadable_delivery", message=message)

    def find(self, command: AnyCommand) -> Outcome | None:
        """Reads leave nothing behind, so there is never anything to find."""
        return None if isinstance(command, FetchOrder) else self.perform(command)

    def changes(self, since: str, until: str) -> Iterator[Translation]:
        """Every order changed between two moments, with its refunds. Raises FailedError when the shop stays away.

        An order that cannot be read is told as such; the others still come.
        """
        cursor: str | None = None
        while True:
            before = cursor
            page, cursor = self._patiently(partial(self._reader.changed, since, until, cursor))
            for entry in page:
                yield self._told(entry)
            if cursor is None:
                return
            if cursor == before:
                raise FailedError(Busy(message="The shop's list of orders does not move on.", detail=cursor))

    def _told(self, entry: Fields) -> Translation:
        try:
            return order_translation(self._patiently(partial(self._reader.complete, entry)))
        except UnreadableError as error:
            return unreadable(error, "orders/updated")

    def ensure_webhooks(self, url: str) -> tuple[str, ...]:
        """Subscribe to every topic we use that is not yet sent to `url`; the topics that were added.

        To be run on a schedule, because the shop deletes subscriptions that failed for four hours (shop sheet §2).
        Raises FailedError.
        """
        have = {(hook.text("topic"), hook.text("address")) for hook in self._session.get("webhooks", limit="250")}
        missing = tuple(topic for topic in TOPICS if (topic, url) not in have)
        for topic in missing:
            self._session.post("webhooks", {"webhook": {"topic": topic, "address": url, "format": "json"}})
        return missing

    def probe(self) -> Probe:
        """Whether the token is good and orders may be read."""
        try:
            name = self._reader.shop_name()
            self._reader.changed("2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z", None)
        except FailedError as failed:
            return Probe(ok=False, checks=((False, failed.outcome.message or str(failed)),))
        return Probe(ok=True, checks=((True, f"The shop {name} answers."), (True, "Orders can be read.")))

    def close(self) -> None:
        """Release sockets."""
        self._session.close()

    def _find_order(self, order_ref: str | None, name: str | None) -> Fields:
        """By id where there is one, else by the printed name, which portals carry too (sheet §3). Raises FailedError."""
        match = _ORDER_ID.fullmatch(order_ref or "")
        found = self._reader.by_id(match[1]) if match else None
        if found is None and name:
            found = self._reader.by_name(name)
        if found is None:
            what = " / ".join(word for word in (order_ref, name) if word) or "without a reference"
            raise FailedError(Refused(kind="order_not_found", message=f"The shop has no order {what}."))
        return found

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again while the shop is busy, as long as it asks us to wait, but not for ever."""
        for attempt in range(1, PATIENCE + 1):
            try:
                return ask()
            except FailedError as failed:
                if not isinstance(failed.outcome, Busy) or attempt == PATIENCE:
                    raise
                self._pause(failed.outcome.after_s or float(2**attempt))
        raise AssertionError("the last attempt returns or raises")


def _done(told: Translation) -> Outcome:
    """The order as facts. A refund on it that cannot be read stops the answer: half a history would misprice."""
    unreadable = next((problem for problem in told.problems if problem.kind == "unreadable_delivery"), None)
    if unreadable is not None:
        message = f"A refund of the shop's order cannot be read: {unreadable.message}."
        return Refused(kind="unreadable_delivery", message=message)
    assert told.order is not None, "a translated order holds the order"
    return Done(ref=told.order.order_ref, number=told.order.name, facts=told.events)
