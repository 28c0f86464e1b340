"""What a page costs at the server: every page of the console and list of the API, in process through WSGI.

Each address is asked in turn, warm, many rounds; median and 99th percentile in milliseconds. With a second database the
ratio of medians says whether anything grows with the number of returns. Fill them with `console_fill.py` first.

    .venv/bin/python benchmarks/console.py sqlite:///small.sqlite3 sqlite:///large.sqlite3 --rounds 30
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ground

from counterfoil.core.mapping import Mapping
from counterfoil.core.policy import PRESETS, Agreement
from counterfoil.core.problem_kinds import KINDS
from counterfoil.flow.desk import Desk
from counterfoil.flow.world import Setup, World
from counterfoil.store.access import make_token
from counterfoil.store.database import Database, now_ms, open_database
from counterfoil.store.vault import Vault

MEDIAN_MAX_MS, P99_MAX_MS, RATIO_MAX = 100.0, 300.0, 1.5
PAGES = (
    "/",
    "/problems",
    "/problems?owner=finance",
    "/problems?owner=ops&late=yes",
    "/problems?kind=sku_not_found",
    "/problems?assignee=me",
    "/problems?brand=meadow&each=yes",
    "/problems?severity=blocks&each=yes",
    "/problems?state=closed",
    "/problems?state=closed&owner=cx",
    "/problems?state=closed&kind=sku_not_found",
    "/problems?state=resting",
    "/causes",
    "/approvals",
    "/returns",
    "/returns?progress=waiting",
    "/returns?progress=waiting,open&brand=meadow",
    "/returns?brand=harbour",
    "/returns?portal=reveni",
    "/returns?stage=requested",
    "/returns?problem=sku_not_found",
    "/returns?quiet=3d&progress=waiting",
    "/returns?waits=goods",
    "/returns?q=%2310007",
    "/returns?q=RMA-77",
    "/mappings?kind=sku",
    "/connections",
    "/audit",
    "/tokens",
    "/api/v1/returns?progress=waiting",
    "/api/v1/problems?owner=finance",
    "/api/v1/audit",
)


def system_over(database: Database, url: str) -> Any:
    """The console's system over a filled database; nothing outside is connected."""
    agreement = Agreement(policy=PRESETS["controlled"])
    setups = {
        (brand, portal): Setup(brand=brand, portal=portal, agreement=agreement, mapping=Mapping(), connections={})
        for brand, portal in (("north", "loop"), ("harbour", "loop"), ("meadow", "reveni"))
    }
    world = World(database=database, vault=Vault(bytes(32)), connections={}, setups=setups)
    return SimpleNamespace(
        database=database,
        connections=(),
        problem_kinds=KINDS,
        actions=None,
        desk=Desk(world),
        setups=setups,
        database_url=url,
    )


def measured(ask: Callable[[str], int], addresses: list[str], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each address, round by round, so that a busy moment falls on all alike."""
    taken: dict[str, list[float]] = {address: [] for address in addresses}
    for address in addresses:
        status = ask(address)
        assert status == 200, f"{address} answered {status}"
    for _ in range(rounds):
        for address in addresses:
            started = time.perf_counter()
            ask(address)
            taken[address].append((time.perf_counter() - started) * 1000)
    return taken


def asker(database: Database) -> Callable[[str], int]:
    """Signed in as an administrator, with a token for the API."""
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from counterfoil.web import bearer

    user, _ = User.objects.get_or_create(username="bench")
    user.groups.set(Group.objects.filter(name="admin"))
    client = Client(headers={"host": "localhost"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    with database.write() as tx:
        expires = now_ms() + 86_400_000
        _, token = make_token(
            tx, user_id=user.pk, username="bench", name="bench", scopes=["read"], expires_ms=expires, by="bench"
        )
    bearer.PACE = bearer.Pace(per_s=1e6, burst=1e6)

    def ask(address: str) -> int:
        headers = {"Authorization": f"Bearer {token}"} if address.startswith("/api/") else {}
        return int(client.get(address, headers=headers).status_code)

    return ask


def addresses_of(database: Database) -> list[str]:
    """The pages, and one return, one exception, one cause of this database."""
    with database.read() as tx:
        case = tx.query("select case_id from cases order by updated_ms desc limit 1", {})[0]["case_id"]
        row = tx.query("select id, brand, cause from problems where state = 'open' and shared = 1 limit 1", {})[0]
    return [
        *PAGES,
        f"/returns/{case}",
        f"/problems/{row['id']}",
        f"/causes/one?brand={row['brand']}&cause={row['cause']}",
    ]


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def run(urls: list[str], rounds: int) -> int:
    """Measure each database in turn and print the table; 1 when a goal is missed."""
    from counterfoil import web
    from counterfoil.web.system import install

    tables = []
    with tempfile.TemporaryDirectory() as folder:
        small = open_database(f"sqlite:///{folder}/none.sqlite3")
        options: dict[str, Any] = {
            "data_dir": Path(folder),
            "secret_key": "measured " * 6,
            "allowed_hosts": ["localhost"],
        }
        web.prepare(system_over(small, ""), **options)
        for url in urls:
            database = open_database(url)
            install(system_over(database, url))
            tables.append(list(measured(asker(database), addresses_of(database), rounds).items()))
            database.close()
        small.close()
    return report(tables)


def report(tables: list[list[tuple[str, list[float]]]]) -> int:
    """A line an address, in the order asked; addresses of two databases stand side by side by place."""
    print(ground.machine())
    missed = 0
    for place, (address, _) in enumerate(tables[0]):
        cells, medians = [], []
        for table in tables:
            values = table[place][1]
            medians.append(statistics.median(values))
            late = percentile(values, 0.99)
            missed += medians[-1] > MEDIAN_MAX_MS or late > P99_MAX_MS
            cells.append(f"{medians[-1]:8.1f} {late:8.1f}")
        if len(tables) > 1:
            ratio = medians[-1] / medians[0]
            missed += ratio > RATIO_MAX
            cells.append(f"{ratio:6.2f}{' !' if ratio > RATIO_MAX else ''}")
        print(f"{address[:60]:60} " + "  ".join(cells))
    print(f"goals missed: {missed}")
    return int(missed > 0)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("databases", nargs="+", help="sqlite:///FILE or postgresql://…; small first")
    asked.add_argument("--rounds", type=int, default=30)
    given = asked.parse_args()
    raise SystemExit(run(given.databases, given.rounds))


if __name__ == "__main__":
    main()
