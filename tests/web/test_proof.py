"""The workbench through the console: figures that add up, lists as addresses, and decisions by two people."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import world

from counterfoil.closing import figures as lines
from counterfoil.store import proofs, workbench
from counterfoil.store.proofs import KeptRun

GATEWAY = "refund_gateway"


def seed(system: world.FakeSystem, *, extra: int = 0) -> None:
    """A run with a difference of 2.50, a payment nobody asked for, and a proposal."""
    items = [
        item("loop:R-1", "", "variance", -250, "2026-11-01", reason="other"),
        item("", "ch_9", "missing_left", 1500, "2026-11-03"),
        item("loop:R-4", "", "missing_right", -1600, "2026-11-02"),
        *(item(f"loop:X-{n:03}", "", "missing_right", -100, "2026-11-05") for n in range(extra)),
    ]
    moved = [
        lines.Figure(GATEWAY, "GBP", line, records, minor)
        for line, records, minor in (
            ("new", 3 + extra, 3350 + 100 * extra),
            ("closing", 3 + extra, 3350 + 100 * extra),
            ("left", 9, 60000),
            ("right", 9, 59650 - 100 * extra),
        )
    ]
    shown = [("portal_refunds", "loop:R-1", 4000), ("gateway_refunds", "ch_1", 3750), ("gateway_refunds", "ch_9", 1500)]
    shown += [
        ("portal_refunds", "loop:R-4", 1600),
        ("portal_refunds", "loop:R-7", 700),
        ("gateway_refunds", "ch_7", 700),
    ]
    with system.database.write() as tx:
        run = KeptRun(
            as_of="2026-11-09",
            since="2026-10-01",
            started_ms=1,
            finished_ms=2,
            balanced=True,
            open_records=3,
            summary={},
        )
        number = proofs.keep(tx, run, items)
        figures = [figure._asdict() for figure in (*moved, *lines.causes(items))]
        pairs = [pair("loop:R-1", "ch_1", "key", "final"), pair("loop:R-7", "ch_7", "amount_date_window", "proposed")]
        workbench.keep_workings(tx, number, figures, [record(*row) for row in shown], pairs)


def item(left: str, right: str, kind: str, gap: int, day: str, reason: str | None = None) -> dict[str, Any]:
    row = {"brand": "north", "leg": GATEWAY, "left_id": left, "right_id": right, "class": kind, "reason": reason}
    row |= {"variance_minor": gap, "amount_minor": abs(gap), "unit": "GBP", "age_days": 8, "bucket": "8-30"}
    row |= {"owner": "finance", "why": "=cmd|calc", "case_id": None, "day": day}
    return row | {"open_minor": abs(gap), "difference_minor": gap}


def record(file: str, name: str, minor: int) -> dict[str, Any]:
    body = f'{{"store_id":"north","currency":"GBP","amount_minor":{minor},"order_no":"#1042"}}'
    row = {"file": file, "record_id": name, "brand": "north", "unit": "GBP", "amount_minor": minor}
    return row | {"day": "2026-11-01", "fingerprint": "f", "case_id": None, "body": body}


def pair(left: str, right: str, rule: str, standing: str) -> dict[str, Any]:
    row = {"leg": GATEWAY, "left_id": left, "right_id": right, "brand": "north", "unit": "GBP", "rule": rule}
    return row | {"standing": standing, "allocated_minor": 700, "why": "No reference.", "day": "2026-11-01"}


def test_the_page_shows_what_moved_and_why_the_sides_differ_and_that_both_add_up(sign_in: Any, system: Any) -> None:
    seed(system)
    text = sign_in("finance").get("/proof").content.decode()
    assert "✓ adds up" in text and "does not add up" not in text
    assert '33.50<span class="currency"> GBP' in text
    assert f"/proof/items?leg={GATEWAY}&amp;class=missing_left" in text


def test_figures_that_do_not_add_up_say_so(sign_in: Any, system: Any) -> None:
    seed(system)
    with system.database.write() as tx:
        tx.query("update proof_figures set minor = minor + 1 where line = 'closing'", {})
    assert "does not add up" in sign_in("finance").get("/proof").content.decode()


def test_before_the_first_run_the_page_says_how_to_run_it(sign_in: Any) -> None:
    assert "No proof has run yet" in sign_in("cx").get("/proof").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["loop:R-1", "loop:R-4", "ch_9"]),
        ("class=missing_left,variance", ["loop:R-1", "ch_9"]),
        ("reason=other", ["loop:R-1"]),
        ("owner=cx", []),
        ("decided=yes", []),
    ],
)
def test_open_records_are_filtered_by_the_address(sign_in: Any, system: Any, query: str, found: list[str]) -> None:
    seed(system)
    rows = sign_in("cx").get(f"/proof/items.json?{query}").json()["items"]
    assert [row["left_id"] or row["right_id"] for row in rows] == found


@pytest.mark.parametrize("query", ["class=lost", "leg=x", "after=here", "bucket=old", "owner=%00"])
def test_a_filter_we_do_not_know_is_explained(sign_in: Any, query: str) -> None:
    assert sign_in("cx").get(f"/proof/items?{query}").status_code == 422


def test_pages_by_key_show_every_record_once(sign_in: Any, system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.web import exports

    seed(system, extra=7)
    monkeypatch.setattr(exports, "ROWS_MAX", 3)
    client, seen, address = sign_in("cx"), [], "/proof/items.json"
    while address:
        answer = client.get(address).json()
        seen += [row["left_id"] or row["right_id"] for row in answer["items"]]
        address = answer["next"]
    assert len(seen) == len(set(seen)) == 10


def test_csv_and_workbook_hold_the_same_rows_and_run_no_formula(sign_in: Any, system: Any) -> None:
    seed(system)
    client = sign_in("auditor")
    text = client.get("/proof/items.csv?reason=other").content.decode()
    assert "-2.50,2.50,GBP" in text and "'=cmd" in text
    book = client.get("/proof/items.xlsx?reason=other")
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        words = parts.read("xl/sharedStrings.xml").decode()
    assert "<v>-2.50</v>" in sheet and "<f>" not in sheet and "loop:R-1" in words and "ch_9" not in words
    assert client.get("/proof/items.xlsx?reason=other").content == book.content


def test_a_records_page_has_both_sides_the_rule_and_its_candidates(sign_in: Any, system: Any) -> None:
    seed(system)
    client = sign_in("finance")
    text = client.get(f"/proof/item?leg={GATEWAY}&left=loop:R-1").content.decode()
    assert '40.00<span class="currency">' in text and '37.50<span class="currency">' in text
    assert "Rule: its own reference" in text
    other = client.get(f"/proof/item?leg={GATEWAY}&right=ch_9").content.decode()
    assert 'value="loop:R-4"' in other, "the nearest amount is offered"
    assert client.get(f"/proof/item?leg={GATEWAY}&left=nobody").status_code == 404


def test_a_write_off_needs_a_second_person(sign_in: Any, system: Any) -> None:
    seed(system)
    finance, ops, admin = sign_in("finance"), sign_in("ops"), sign_in("admin")
    form = {
        "leg": GATEWAY,
        "left": "loop:R-1",
        "account": "Rounding differences",
        "reason": "the till",
        "next": "/proof",
    }
    assert finance.post("/proof/item/write-off", form).status_code == 303
    page = finance.get("/proof/decisions").content.decode()
    assert "You asked for it; a second person approves." in page
    move = {"decision": "1", "do": "approve", "next": "/proof/decisions"}
    answer = finance.post("/proof/decisions/move", move)
    assert answer.status_code == 422 and "a second person must" in answer.content.decode()
    assert ops.post("/proof/decisions/move", move).status_code == 403
    assert admin.post("/proof/decisions/move", move).status_code == 303
    with system.database.read() as tx:
        assert workbench.decision(tx, 1)["state"] == "in_force"  # type: ignore[index]
    assert "write off" in sign_in("auditor").get("/audit").content.decode()


def test_records_are_matched_proposals_accepted_and_comments_kept(sign_in: Any, system: Any, tmp_path: Path) -> None:
    seed(system)
    finance = sign_in("finance")
    about = {"leg": GATEWAY, "next": "/proof"}
    both = {
        **about,
        "right": "ch_9",
        "with": "loop:R-4",
        "amount-loop:R-4": "15.00",
        "unit": "GBP",
        "reason": "same day",
    }
    assert finance.post("/proof/item/match", both).status_code == 303
    assert finance.post("/proof/item/match", {**about, "left": "loop:R-7", "proposed": "ch_7"}).status_code == 303
    assert "15,00 is" not in finance.post("/proof/item/match", {**both, "amount-loop:R-4": "x"}).content.decode()
    assert (
        finance.post("/proof/item/comment", {**about, "left": "loop:R-1", "words": "<b>asked</b>"}).status_code == 303
    )
    assert "&lt;b&gt;asked" in finance.get(f"/proof/item?leg={GATEWAY}&left=loop:R-1").content.decode()
    with system.database.read() as tx:
        parts = [part for row in workbench.decisions(tx, "in_force") for part in row["parts"]]
    assert [(part["left_id"], part["right_id"], part["minor"]) for part in parts] == [
        ("loop:R-4", "ch_9", 1500),
        ("loop:R-7", "ch_7", 700),
    ]


def test_a_payment_nobody_claimed_is_assigned_to_a_return(sign_in: Any, system: Any) -> None:
    seed(system)
    form = {"leg": GATEWAY, "right": "ch_9", "return": "north/loop/88031", "reason": "paid by hand", "next": "/proof"}
    finance = sign_in("finance")
    assert "Assign to a return" in finance.get(f"/proof/item?leg={GATEWAY}&right=ch_9").content.decode()
    assert finance.post("/proof/item/adopt", form).status_code == 303
    assert system.actions.calls == [("adopt_refund", "north/loop/88031", "ch_9", "finance", "paid by hand")]
    system.actions.refuse = "No refund ch_9 waits for a return."
    assert "No refund ch_9 waits" in finance.post("/proof/item/adopt", form).content.decode()
    assert finance.post("/proof/item/adopt", {**form, "leg": "line_receipt"}).status_code == 404
