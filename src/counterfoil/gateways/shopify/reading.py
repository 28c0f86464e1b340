"""Two ways to read orders: GraphQL, and REST for old private apps (shop sheet §1). Both give webhook-shaped bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.gateways.shopify import queries
from counterfoil.gateways.shopify.graph import nodes, order_body
from counterfoil.gateways.shopify.session import FailedError, Session
from counterfoil.ports.outcomes import Busy, Refused

__all__ = ["FailedError", "GraphReader", "Reader", "RestReader"]

PAGES_MAX = 200  # pages of lines of one order: a list that never ends is a fault, not an order


class Reader(Protocol):
    """What the client needs from either way. Everything raises FailedError, and UnreadableError for a broken order."""

    def by_id(self, order_id: str) -> Fields | None:
        """The order with this number."""
        ...

    def by_name(self, name: str) -> Fields | None:
        """The order with this printed name."""
        ...

    def changed(self, since: str, until: str, cursor: str | None) -> tuple[list[Fields], str | None]:
        """One page of orders changed in a window, and the cursor of the next page."""
        ...

    def complete(self, entry: Fields) -> Fields:
        """The whole order of an entry of `changed`."""
        ...

    def shop_name(self) -> str:
        """The shop's permanent domain, as the shop tells it."""
        ...


class GraphReader:
    """Reads with GraphQL: the order in pages of lines, then its refunds one by one."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_id(self, order_id: str) -> Fields | None:
        """One order with its refunds, or None."""
        node = self._whole(queries.ORDER, "order", f"gid://shopify/Order/{order_id}", "lineItems")
        if node is None:
            return None
        ids = [str(row["id"]) for row in nodes(node.get("refunds"))]
        if len(ids) >= queries.REFUNDS_MAX:  # this list has no pages; half a history would misprice the rest
            raise UnreadableError(f"order {order_id} has {len(ids)} refunds or more, and GraphQL shows no further ones")
        refunds = [self._whole(queries.REFUND, "refund", gid, "refundLineItems") for gid in ids]
        return order_body({**node, "refunds": [refund for refund in refunds if refund is not None]})

    def by_name(self, name: str) -> Fields | None:
        """The order of this printed name, or None."""
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        rows, _ = self._list(f'name:"{quoted}"', None)
        found = [row for row in rows if _same_name(row.text("name"), name)]
        if len(found) > 1:
            raise FailedError(_several(name, len(found)))
        return self.by_id(_number(found[0].need("id"))) if found else None

    def changed(self, since: str, until: str, cursor: str | None) -> tuple[list[Fields], str | None]:
        """A page of orders changed between two moments, and the cursor of the next."""
        return self._list(f"updated_at:>='{since}' updated_at:<='{until}'", cursor)

    def _list(self, query: str, cursor: str | None) -> tuple[list[Fields], str | None]:
        data = self._session.ask(queries.ORDERS, {"query": query, "after": cursor})
        try:
            orders = data["orders"]
            page = orders["pageInfo"]
            return [Fields(row) for row in orders["nodes"]], page["endCursor"] if page["hasNextPage"] else None
        except (KeyError, TypeError) as error:
            raise FailedError(_broken(error)) from None

    def complete(self, entry: Fields) -> Fields:
        """The whole order behind a row of a page."""
        order_id = _number(entry.need("id"))
        order = self.by_id(order_id)
        if order is None:
            raise FailedError(Refused(kind="order_not_found", message=f"The shop lists order {order_id} without it."))
        return order

    def shop_name(self) -> str:
        """The shop, as it names itself."""
        shop = Fields(self._session.ask(queries.SHOP, {})).child("shop")
        return (shop.text("myshopifyDomain") if shop else None) or "without a name"

    def _whole(self, query: str, name: str, gid: str, lines: str) -> Mapping[str, Any] | None:
        """One record with all pages of its lines put together; None when the shop does not have it."""
        try:
            return self._paged(query, name, gid, lines)
        except (KeyError, TypeError) as error:
            raise FailedError(_broken(error)) from None

    def _paged(self, query: str, name: str, gid: str, lines: str) -> Mapping[str, Any] | None:
        whole: dict[str, Any] | None = None
        rows: list[Any] = []
        after: str | None = None
        for _ in range(PAGES_MAX):
            node = self._session.ask(query, {"id": gid, "after": after})[name]
            if node is None:
                return None
            whole = whole or dict(node)
            rows += node[lines]["nodes"]
            page = node[lines]["pageInfo"]
            if not page["hasNextPage"]:
                return {**whole, lines: {"nodes": rows}}
            after = page["endCursor"]
        raise FailedError(Busy(message=f"The shop's {name} has no end.", detail=f"{PAGES_MAX} pages of {lines}"))


class RestReader:
    """Reads with REST: a list page holds whole orders, refunds included; payments are asked for apart."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_id(self, order_id: str) -> Fields | None:
        """One order with its refunds, or None."""
        try:
            order = self._session.get(f"orders/{order_id}")[0]
        except FailedError as failed:
            if isinstance(failed.outcome, Refused) and failed.outcome.kind == "order_not_found":
                return None
            raise
        return self.complete(order)

    def by_name(self, name: str) -> Fields | None:
        """The order of this printed name, or None."""
        rows = self._session.get("orders", name=name, status="any", limit="10")
        found = [row for row in rows if _same_name(row.text("name"), name)]
        if len(found) > 1:
            raise FailedError(_several(name, len(found)))
        return self.complete(found[0]) if found else None

    def changed(self, since: str, until: str, cursor: str | None) -> tuple[list[Fields], str | None]:
        """A page of orders changed between two moments, and the cursor of the next."""
        if cursor:
            return self._session.page(cursor, {})
        window = {"updated_at_min": since, "updated_at_max": until}
        return self._session.page("orders", {**window, "status": "any", "limit": "100", "order": "updated_at asc"})

    def complete(self, entry: Fields) -> Fields:
        """The whole order behind a row of a page."""
        payments = self._session.get(f"orders/{entry.need('id')}/transactions")
        return Fields({**entry.data, "transactions": [row.data for row in payments]})

    def shop_name(self) -> str:
        """REST's own shop record would do; a list of no orders proves as much without another right."""
        self._session.get("orders", limit="1", status="any")
        return "with this token"


def _same_name(given: str | None, wanted: str) -> bool:
    """Names agree with or without the leading `#`, which portals often drop."""
    return (given or "").lstrip("#").casefold() == wanted.strip().lstrip("#").casefold()


def _number(gid: str) -> str:
    return gid.rpartition("/")[2]


def _broken(error: Exception) -> Busy:
    return Busy(message="Shopify's answer is not what it promises.", detail=f"{type(error).__name__}: {error}")


def _several(name: str, count: int) -> Refused:
    return Refused(kind="order_not_found", message=f"The shop has {count} orders named {name}; the order id is needed.")
