"""The stage: simulators listening on loopback in a thread of their own, and settings that connect us to them."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counterfoil.catalog import simulator
from counterfoil.demo import erps
from counterfoil.demo.portals import PlayedPortal
from counterfoil.simkit.server import Running, Simulator

Json = dict[str, Any]

BRAND = "north"
SHOP_TOKEN, SHOP_SECRET = "shpat_demo", "shop-demo-secret"
WMS_SECRET = "whsec_" + base64.b64encode(b"a demonstration secret, 32 bytes").decode()
SHOP_DOMAIN = "north-example.myshopify.com"

SHOP_HOOKS = (
    "orders/create",
    "orders/updated",
    "refunds/create",
    "order_transactions/create",
    "tender_transactions/create",
)


class Stage:
    """The outside world, running. `urls` names each system's address; `sims` the simulators themselves."""

    def __init__(
        self,
        orders: list[Json],
        portal: PlayedPortal,
        erp: str,
        hooks_url: str,
        folder: Path,
        change_erp: Callable[[Json], Json] = lambda world: world,
    ) -> None:
        self.portal = portal
        self.erp = erp  # prima, prima-soap, prima-file or netsuite
        self._hooks_url = hooks_url
        self._folder = folder
        self._change_erp = change_erp
        self.orders = orders
        self._loop = asyncio.new_event_loop()
        self._running: dict[str, Running] = {}
        self.urls: dict[str, str] = {}
        self.sims: dict[str, Simulator] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulators", daemon=True)

    @property
    def erp_vendor(self) -> str:
        """The vendor of the ERP; Prima is one vendor however it is reached."""
        return self.erp.partition("-")[0]

    def start(self) -> None:
        """Start every simulator; the portal last, since it reads from the shop."""
        self._thread.start()
        self._open_all()

    def _open_all(self) -> None:
        self._open("shopify", self._shop_world())
        self._open(self.erp_vendor, self._change_erp(self._erp_world()))
        self._open("warehouse", self._warehouse_world())
        shop = {"url": self.urls["shopify"], "access_token": SHOP_TOKEN}
        self._open(self.portal.name, self._portal_world(shop))

    def stop(self) -> None:
        """Stop listening."""
        for running in reversed(self._running.values()):
            asyncio.run_coroutine_threadsafe(running.stop(), self._loop).result(timeout=20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def quiet(self) -> bool:
        """Whether no webhook waits to be delivered anywhere."""
        return all(
            all(row.get("done") or row.get("statuses") for row in sim.state().get("deliveries", []))
            for name, sim in self.sims.items()
            if name in (self.portal.name, "shopify")
        )

    def _open(self, vendor: str, world: Json) -> None:
        async def run() -> Running:
            running = Running(simulator(vendor)(world))
            await running.start()
            return running

        running = asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=60)
        self._running[vendor] = running
        self.urls[vendor] = running.base_url
        self.sims[vendor] = running.simulator

    def _hook(self, vendor: str, name: str) -> str:
        return f"{self._hooks_url}/webhooks/{vendor}/{name}"

    def _shop_world(self) -> Json:
        address = self._hook("shopify", "north-shop")
        return {
            "shop_domain": SHOP_DOMAIN,
            "access_token": SHOP_TOKEN,
            "client_secret": SHOP_SECRET,
            "currency": "GBP",
            "orders": self.orders,
            "webhooks": [{"topic": topic, "address": address} for topic in SHOP_HOOKS],
            "graphql_bucket": {"size": 1_000_000, "restore_per_s": 100_000},
        }

    def _portal_world(self, shop: Json) -> Json:
        return self.portal.world(self._hooks_url, shop)

    def _erp_world(self) -> Json:
        if self.erp == "netsuite":
            return erps.netsuite_world(self.orders, self._folder / "keys")
        return erps.prima_transport_world(erps.prima_world(self.orders), self.erp, self._folder)

    def _warehouse_world(self) -> Json:
        return {
            "source": "leeds-wms",
            "warehouse_code": "LEEDS",
            "secret": WMS_SECRET,
            "url": self._hook("warehouse", "leeds-wms"),
        }


def settings_for(
    stage: Stage, *, database: str, folder: Path, port: int, policy: str, public_url: str, axes: Json | None = None
) -> Json:
    """Our settings, as a person would write them; `axes` are what the policy changes of its preset."""
    erp_config = (
        erps.netsuite_config(stage.urls["netsuite"], folder / "keys")
        if stage.erp == "netsuite"
        else erps.prima_config(stage.urls["prima"], stage.erp, folder)
    )
    return {
        "database": database,
        "data_dir": str(folder),
        "server": {"host": "127.0.0.1", "port": port, "public_url": public_url},
        "proof": {"blind_grace_min": 0},  # the week is over in a minute
        "connection": [
            {
                "name": stage.portal.connection,
                "brand": BRAND,
                "vendor": stage.portal.name,
                "slots": 3,
                "config": stage.portal.config(stage.urls[stage.portal.name]),
            },
            {
                "name": "north-shop",
                "brand": BRAND,
                "vendor": "shopify",
                "slots": 2,
                "config": {
                    "shop": SHOP_DOMAIN,
                    "access_token": SHOP_TOKEN,
                    "client_secrets": [SHOP_SECRET],
                    "base_url": stage.urls["shopify"],
                },
            },
            {
                "name": "leeds-wms",
                "brand": BRAND,
                "vendor": "warehouse",
                "config": {"source": "leeds-wms", "secrets": [WMS_SECRET]},
            },
            {
                "name": f"north-{stage.erp_vendor}",
                "brand": BRAND,
                "vendor": stage.erp_vendor,
                "slots": 4,
                "config": erp_config,
            },
        ],
        "setup": [
            {
                "brand": BRAND,
                "portal": stage.portal.name,
                "preset": policy,
                "policy": axes or {},
                "mapping": erps.mapping(),
                "connections": {
                    "portal": stage.portal.connection,
                    "shop": "north-shop",
                    "erp": f"north-{stage.erp_vendor}",
                },
            }
        ],
    }
