"""Drive the NetSuite simulator with a client we did not write, to show that it speaks NetSuite.

The client is the PyPI package `netsuite` 0.12.0 (token-based authentication). It pins an old HTTP library, so it
wants an environment of its own:

    python -m venv probe && probe/bin/pip install netsuite==0.12.0
    counterfoil sim netsuite --port 8801 &
    probe/bin/python scripts/netsuite_client_probe.py http://127.0.0.1:8801

Without `--order` it uses the example order every simulator has that was started without a world. It reads the
order, asks SuiteQL for it, turns it into a return authorisation, a receipt, a credit memo and a refund, and prints
one JSON line per step. Exit status 1 when an answer is not the expected one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import uuid
from typing import Any

from netsuite import Config, NetSuiteRestApi, TokenAuth

JSON = dict[str, Any]


class SimulatedAccount(NetSuiteRestApi):
    """The client as published, with its address pointed at the simulator."""

    def __init__(self, config: Config, root: str) -> None:
        super().__init__(config)
        self._root = root.rstrip("/")

    def _make_url(self, subpath: str) -> str:
        return f"{self._root}/services/rest{subpath}"


def tell(step: str, **facts: Any) -> None:
    """Print one step."""
    print(json.dumps({"step": step, **facts}), flush=True)


async def make(client: SimulatedAccount, path: str, body: JSON) -> str:
    """POST and return the new record's id from `Location`; the client's own `.post()` drops that header."""
    answer = await client.request("POST", f"/record/v1/{path}", json=body)
    location = answer.headers.get("location", "")
    tell(f"POST {path}", status=answer.status_code, location=location, body=answer.text)
    if answer.status_code != 204 or not location:
        raise SystemExit(1)
    return str(location.rsplit("/", 1)[1])


async def probe(client: SimulatedAccount, order_id: str) -> None:
    """The walk: read, query, return, receive, credit, refund."""
    order = await client.get(f"/record/v1/salesOrder/{order_id}", params={"expandSubResources": "true"})
    lines = order["item"]["items"]
    tell("GET salesOrder", tranId=order["tranId"], total=order["total"], lines=[line["line"] for line in lines])
    rows = await client.suiteql(f"SELECT id, tranid, status, foreigntotal FROM transaction WHERE id = {order_id}")
    tell("SuiteQL", rows=rows["items"], total_results=rows["totalResults"])
    schema = await client.jsonschema("itemReceipt")
    receipt_line = schema["properties"]["item"]["properties"]["items"]["items"]["properties"]
    tell("metadata itemReceipt", restock_exposed="restock" in receipt_line)

    key = uuid.uuid4().hex[:12]
    wanted = {"items": [{"orderLine": lines[0]["line"], "quantity": 1}]}
    rma = await make(
        client,
        f"salesOrder/{order_id}/!transform/returnAuthorization?replace=item",
        {"externalId": f"probe-{key}-rma", "orderStatus": {"id": "B"}, "item": wanted},
    )
    received = {"items": [{"orderLine": 1, "itemReceive": True, "quantity": 1, "location": {"id": "6"}}]}
    path = f"returnAuthorization/{rma}/!transform"
    await make(client, f"{path}/itemReceipt", {"externalId": f"probe-{key}-rcpt", "item": received})
    memo = await make(client, f"{path}/creditMemo", {"externalId": f"probe-{key}-cm", "autoApply": False})
    refund = {"externalId": f"probe-{key}-rf", "account": {"id": "120"}, "handlingMode": {"id": "SAVE_ONLY"}}
    await make(client, f"creditMemo/{memo}/!transform/customerRefund", refund)
    for kind, record in (("returnAuthorization", rma), ("creditMemo", memo)):
        found = await client.get(f"/record/v1/{kind}/{record}")
        tell(f"GET {kind}", status=found["status"]["refName"], total=found["total"])


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Drive the NetSuite simulator with the PyPI client netsuite.")
    parser.add_argument("url", help="where the simulator listens, for example http://127.0.0.1:8801")
    parser.add_argument("--order", default="3001", help="internal id of a shipped sales order (default: the example's)")
    parser.add_argument("--account", default="1234567_SB1")
    parser.add_argument("--consumer", nargs=2, default=["example-consumer-key", "example-consumer-secret"])
    parser.add_argument("--token", nargs=2, default=["example-token", "example-token-secret"])
    given = parser.parse_args()
    auth = TokenAuth(
        consumer_key=given.consumer[0],
        consumer_secret=given.consumer[1],
        token_id=given.token[0],
        token_secret=given.token[1],
    )
    client = SimulatedAccount(Config(account=given.account, auth=auth), given.url)
    try:
        asyncio.run(probe(client, given.order))
    except Exception as problem:
        print(f"the probe failed: {problem}", file=sys.stderr)
        raise SystemExit(1) from problem


if __name__ == "__main__":
    main()
