"""Calls to one shop's Admin API, REST and GraphQL, with its refusals turned into outcomes (shop sheet §1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.gateways.shopify.config import ShopifyConfig
from counterfoil.gateways.shopify.errors import Trouble, graph_trouble, http_trouble
from counterfoil.gateways.shopify.shapes import bodies
from counterfoil.ports.outcomes import Busy, Unknown


class FailedError(Exception):
    """The shop did not give what was asked; `outcome` says what should happen next."""

    def __init__(self, outcome: Trouble | Unknown) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Session:
    """One shop's API at one version."""

    def __init__(self, config: ShopifyConfig) -> None:
        self._base = f"/admin/api/{config.api_version}"
        headers = {"x-shopify-access-token": config.access_token, "accept": "application/json"}
        self._http = Http(config.address, headers, timeout_s=config.timeout_s)

    def ask(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The `data` of one GraphQL question. Raises FailedError; throttling comes in the body, with status 200."""
        answered = self._http.call(
            "POST", f"{self._base}/graphql.json", writes=False, json={"query": query, "variables": dict(variables)}
        )
        value = _value(answered)
        trouble = graph_trouble(value)
        if trouble is not None:
            raise FailedError(trouble)
        data = value.get("data") if isinstance(value, Mapping) else None
        if not isinstance(data, Mapping):
            raise FailedError(Busy(message="Shopify's answer holds no data."))
        return data

    def page(self, path: str, params: Mapping[str, str]) -> tuple[list[Fields], str | None]:
        """The records of one REST list page, and the address of the next page. Raises FailedError."""
        address = path if path.startswith("http") else f"{self._base}/{path}.json"
        answered = self._http.call("GET", address, writes=False, params=params)
        try:
            records = bodies(_value(answered))
        except UnreadableError as error:
            raise FailedError(Busy(message="Shopify's answer is not what it promises.", detail=str(error))) from None
        links = answered.headers.get("link", "") if isinstance(answered, Answered) else ""
        return records, _next(links)

    def get(self, path: str, **params: str) -> list[Fields]:
        """The records of one REST answer. Raises FailedError."""
        return self.page(path, params)[0]

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Make something by REST. Raises FailedError."""
        _value(self._http.call("POST", f"{self._base}/{path}.json", writes=True, json=body))

    def close(self) -> None:
        """Release sockets."""
        self._http.close()


def _value(answered: Answered | Busy | Unknown) -> Any:
    """The JSON of a good answer. Raises FailedError for every other."""
    if not isinstance(answered, Answered):
        raise FailedError(answered)
    try:
        value = read_json(answered.body)
    except UnreadableError as error:
        trouble = http_trouble(answered.status, answered.headers, None)
        unread = Busy(message="Shopify's answer cannot be read.", detail=str(error), code=str(answered.status))
        raise FailedError(trouble or unread) from None
    trouble = http_trouble(answered.status, answered.headers, value)
    if trouble is not None:
        raise FailedError(trouble)
    return value


def _next(links: str) -> str | None:
    """The address marked rel="next" in a Link header."""
    for part in links.split(","):
        address, _, rel = part.partition(";")
        if 'rel="next"' in rel:
            return address.strip().removeprefix("<").removesuffix(">")
    return None
