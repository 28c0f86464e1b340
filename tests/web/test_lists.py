"""Lists are addresses: filters, sentences, sums, pages, and the same rows as files."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import world


def orders(client: Any, query: str) -> list[str]:
    """The orders of a list, through its JSON."""
    return [row["order_name"] for row in client.get(f"/returns.json?{query}").json()["returns"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("progress=waiting&brand=harbour", ["H-2201", "H-2198"]),
        ("progress=open,waiting&quiet=4d", ["H-2198", "#1019", "H-2190"]),
        ("stage=cancelled", ["#1027"]),
        ("problem=sku_not_found", ["#1036", "H-2190"]),
        ("waits=the parcel is on its way", ["H-2198", "#1019"]),
        ("q=1031", ["#1031"]),
        ("q=JD0002417719", ["#1042"]),
        ("q=cm-9001", ["#1039"]),
        ("q=' or 1=1 --", []),
    ],
)
def test_a_filter_finds_its_returns(sign_in: Any, query: str, found: list[str]) -> None:
    assert orders(sign_in("cx"), query) == found


def test_the_filter_is_said_in_words_and_each_part_can_be_taken_away(sign_in: Any) -> None:
    text = sign_in("cx").get("/returns?progress=waiting&quiet=1d").content.decode()
    assert "<strong>3 returns</strong>: waiting, no news for 1 day." in text
    assert 'href="/returns?quiet=1d"' in text and 'href="/returns?progress=waiting"' in text


def test_sums_are_by_currency_and_never_mixed(sign_in: Any) -> None:
    text = sign_in("cx").get("/returns").content.decode()
    assert "All 8 returns in GBP" in text and "All 4 returns in EUR" in text and "All 1 return in JPY" in text
    assert '472.00<span class="currency"> GBP' in text
    assert '14,800<span class="currency"> JPY' in text


@pytest.mark.parametrize(
    "query", ["progress=asleep", "quiet=soon", "after=yesterday", "stage=" + "x," * 200, "q=" + "9" * 201, "q=%00"]
)
@pytest.mark.parametrize("suffix", ["", ".csv", ".json"])
def test_a_filter_we_do_not_know_is_explained_with_422(sign_in: Any, query: str, suffix: str) -> None:
    answer = sign_in("cx").get(f"/returns{suffix}?{query}")
    assert answer.status_code == 422
    assert "Go back" in answer.content.decode()


def test_pages_by_key_show_every_return_once(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.web import exports

    monkeypatch.setattr(exports, "ROWS_MAX", 4)
    client, seen, address = sign_in("cx"), [], "/returns.json"
    while address:
        page = client.get(address).json()
        seen += [row["return_id"] for row in page["returns"]]
        address = page["next"]
    assert len(seen) == len(set(seen)) == 13


def test_the_page_links_to_the_next_one(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.web.pages import returns

    monkeypatch.setattr(returns, "PAGE_ROWS", 5)
    answer = sign_in("cx").get("/returns?brand=north")
    assert 'rel="next" href="/returns?brand=north&amp;after=' in answer.content.decode()


def test_csv_has_the_same_rows_and_runs_no_formula(sign_in: Any, system: world.FakeSystem) -> None:
    with system.database.write() as tx:
        tx.query("update cases set order_name = :name where return_id = '88001'", {"name": "=HYPERLINK(1)"})
    client = sign_in("cx")
    answer = client.get("/returns.csv?brand=north")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["order_name"].removeprefix("'") for row in rows] == orders(client, "brand=north")
    assert {row["order_name"] for row in rows if "HYPERLINK" in row["order_name"]} == {"'=HYPERLINK(1)"}
    assert rows[0]["value"] == "60.00" and rows[0]["currency"] == "GBP"


def test_an_unknown_amount_is_null_in_json_and_a_dash_on_the_page(sign_in: Any) -> None:
    client = sign_in("cx")
    assert client.get("/returns.json?q=H-2201").json()["returns"][0]["value"] is None
    assert "unknown</span>" in client.get("/returns?q=H-2201").content.decode()


def test_htmx_gets_the_results_alone(sign_in: Any) -> None:
    answer = sign_in("cx").get("/returns?progress=waiting", headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "<table" in text and "<html" not in text
    wrong = sign_in("cx").get("/returns?progress=asleep", headers={"HX-Request": "true"})
    assert wrong.status_code == 422 and "<html" not in wrong.content.decode()


def test_new_rows_wait_behind_a_counter(sign_in: Any, system: world.FakeSystem) -> None:
    client = sign_in("cx")
    before = world.now_ms()
    assert client.get(f"/returns/changed?since={before}").content.decode().strip() == ""
    with system.database.write() as tx:
        tx.query("update cases set updated_ms = :later where brand = 'harbour'", {"later": before + 5})
    assert "5 returns changed" in client.get(f"/returns/changed?since={before}").content.decode()


def test_what_one_fix_ends_stands_above_the_rest_with_its_price(sign_in: Any) -> None:
    text = sign_in("finance").get("/problems").content.decode()
    mend, rest = text.split('id="each"')
    rest = rest.split("<tbody>")[1]
    assert "The accounting period is closed" in mend and '62.45<span class="currency"> GBP' in mend
    assert "MUG-BLUE" in mend and "BELT-TAN" in mend
    assert "The accounting period is closed" not in rest and "Received but not inspected" in rest
    assert "3 exceptions of the causes above are not repeated here" in text


def test_every_exception_can_be_seen_by_itself_first_due_first(sign_in: Any) -> None:
    rows = sign_in("finance").get("/problems.json?each=yes").json()["exceptions"]
    assert len(rows) == 5 and [row["due_at"] for row in rows] == sorted(row["due_at"] for row in rows)
    late = sign_in("finance").get("/problems.json?late=yes").json()["exceptions"]
    assert [row["order_name"] for row in late] == ["H-2190", "#1031", "#1042"]
    assert sign_in("finance").get("/problems?each=maybe").status_code == 422


def test_pages_of_exceptions_show_each_once(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.web import exports

    monkeypatch.setattr(exports, "ROWS_MAX", 2)
    client, seen, address = sign_in("cx"), [], "/problems.json?each=yes"
    while address:
        page = client.get(address).json()
        seen += [row["id"] for row in page["exceptions"]]
        address = page["next"]
    assert len(seen) == len(set(seen)) == 5


def test_closed_exceptions_say_who_closed_them_and_why(sign_in: Any) -> None:
    rows = sign_in("auditor").get("/problems.json?state=closed").json()["exceptions"]
    assert [(row["closed_by"], row["closed_because"]) for row in rows] == [
        ("robin", "The item was renumbered; the mapping has it now.")
    ]


def test_an_empty_house_says_what_is_missing(sign_in: Any, tmp_path: Any) -> None:
    from counterfoil.web.system import install

    (tmp_path / "bare").mkdir()
    bare = world.system(tmp_path / "bare", empty=True)
    install(bare)
    client = sign_in("ops")
    assert "All clear. Nothing is open" in client.get("/").content.decode()
    assert "No return has arrived yet, checked" in client.get("/returns").content.decode()
    assert "No return matches" in client.get("/returns?stage=expired").content.decode()
    bare.connections = ()
    assert "Nothing is connected yet" in client.get("/returns").content.decode()
    assert "All clear. No exception is open" not in client.get("/problems").content.decode()
    bare.database.close()


def test_lists_use_an_index(system: world.FakeSystem) -> None:
    from counterfoil.store.sql import names, statement

    scans = {}
    with system.database.read() as tx:
        for name in sorted(name for name in names() if name.startswith("console_")):
            sql = statement(name, "sqlite")
            params = dict.fromkeys(("before", "rows", "since_ms", "before_ms", "problem_id", "looked_at"), 1)
            texts = dict.fromkeys(("case_id", "stream", "connection"), "x")
            plan = tx.query(f"explain query plan {sql}", {**params, **texts})
            scans[name] = [row["detail"] for row in plan if row["detail"].startswith("SCAN")]
    whole = {
        name for name, found in scans.items() if any("USING" not in step and "SCAN (" not in step for step in found)
    }
    small = {"console_connections", "console_last_beat"}  # a handful of rows each
    newest_first = {"console_last_entry", "console_last_seal"}  # along the primary key, one row
    subqueries = {"console_quiet_count", "console_changed_since", "console_waits"}  # over a limited inner list
    subqueries |= {"console_week", "console_progress"}  # the same
    assert whole - small - newest_first - subqueries == set()
