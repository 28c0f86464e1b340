"""A cause mended on its page, over the real flow: foreseen, carried out, shown row by row, taken back; and word files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from counterfoil.core.mapping import MapKind
from counterfoil.core.problem_kinds import KINDS
from counterfoil.flow.desk import Desk
from counterfoil.flow.resolve import People
from counterfoil.flow.vocabulary import seed_mappings, watch_reasons
from counterfoil.ports.desk import Fix
from counterfoil.store.mappings import count_sightings
from counterfoil.testing.builders import PORTAL, portal_return, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world

CAUSE = "reason_not_mapped:Smells of smoke"
ONE = "/causes/one?brand=north&cause=reason_not_mapped:Smells+of+smoke"
SCOPE = {"brand": "north", "portal": PORTAL}
FIX = {"brand": "north", "cause": CAUSE, "portal": PORTAL, "meaning": "ODOUR", "reason": "agreed with merchandising"}


@pytest.fixture
def road(system: Any, sqlite_databases: Any) -> Iterator[Road]:
    """The console over a real world with three returns stuck on one reason."""
    from counterfoil.web.system import install

    outside = Outside()
    made = Road(make_world(sqlite_databases.fresh(), outside), outside)
    seed_mappings(made.world)
    install(
        SimpleNamespace(  # type: ignore[arg-type]
            database=made.world.database,
            actions=People(made.world),
            desk=Desk(made.world),
            connections=tuple(made.world.connections.values()),
            problem_kinds=KINDS,
            setups=made.world.setups,
        )
    )
    for number in range(3):
        order = outside.sell(sold_order(f"9{number:03}", f"#1{number:03}"))
        outside.show(portal_return(f"R{number}", order, reason="Smells of smoke"))
    made.settle()
    count_sightings(made.world.database)
    yield made
    made.world.database.close()


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def meaning(road: Road, kind: str, word: str) -> str | None:
    with road.world.database.read() as tx:
        row = tx.one("mapping_word", **SCOPE, kind=kind, word=word)
    return row["meaning"] if row else None


def test_the_page_of_a_cause_shows_its_price_and_what_it_holds(sign_in: Any, road: Road) -> None:
    text = text_of(sign_in("ops").get(ONE))
    assert '120.00<span class="currency"> GBP' in text and "#1000" in text and "#1002" in text
    assert "Do not use a catch-all code" in text
    assert "Smells of smoke" in text_of(sign_in("ops").get("/problems"))
    assert "120.00" in text_of(sign_in("ops").get("/causes"))


def test_a_fix_is_foreseen_then_made_then_shown_row_by_row(sign_in: Any, road: Road) -> None:
    client = sign_in("ops")
    seen = text_of(client.post("/causes/foresee", FIX))
    assert "would set free 3 of 3 returns" in seen and seen.count("Open the return authorisation") == 3
    assert meaning(road, "reason", "Smells of smoke") is None
    answer = client.post("/causes/mend", FIX)
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/runs/")
    run = text_of(client.get(answer.headers["Location"]))
    assert "3 of 3 returns went on" in run and run.count("Goes on.") == 3
    assert meaning(road, "reason", "Smells of smoke") == "ODOUR"
    assert "Nothing is held by this cause any more" in text_of(client.get(ONE))
    assert road.problems() == []


def test_a_fix_needs_a_word_and_a_reason(sign_in: Any, road: Road) -> None:
    client = sign_in("ops")
    assert "Give the code the ERP uses" in text_of(client.post("/causes/foresee", {**FIX, "meaning": " "}))
    assert "Say in a few words why" in text_of(client.post("/causes/mend", {**FIX, "reason": ""}))
    assert sign_in("auditor").post("/causes/mend", FIX).status_code == 403
    assert meaning(road, "reason", "Smells of smoke") is None


def test_a_made_fix_is_taken_back_from_its_run(sign_in: Any, road: Road) -> None:
    client = sign_in("ops")
    address = client.post("/causes/mend", FIX).headers["Location"]
    number = text_of(client.get(address)).split('name="change" value="')[1].split('"')[0]
    client.post("/mappings/undo", {"change": number, "reason": "a slip"})
    assert meaning(road, "reason", "Smells of smoke") is None
    assert "taken back later" in text_of(client.get(address))


def test_a_cause_nobody_knows_is_not_found_and_one_that_is_over_says_so(sign_in: Any, road: Road) -> None:
    assert sign_in("ops").get("/causes/one?brand=north").status_code == 404
    assert "any more" in text_of(sign_in("ops").get("/causes/one?brand=north&cause=sku_not_found:NEVER"))


def test_an_unmapped_word_is_shown_with_the_return_that_brought_it(sign_in: Any, road: Road) -> None:
    text = text_of(sign_in("cx").get("/mappings"))
    part = text.split('id="unmapped"')[1].split("</section>")[0]
    assert "Smells of smoke" in part and f"/returns/north/{PORTAL}/R0" in part and '<td class="num">3</td>' in part
    assert "0 %" in text and "1 missing" in text


def test_a_word_like_a_known_one_is_suggested_and_only_suggested(sign_in: Any, road: Road) -> None:
    road.outside.show(portal_return("R9", road.outside.sell(sold_order("9009", "#1009")), reason="Too small!"))
    road.settle()
    text = text_of(sign_in("ops").get("/causes/one?brand=north&cause=reason_not_mapped:Too+small!"))
    assert 'value="FIT"' in text and "as Too small" in text
    assert meaning(road, "reason", "Too small!") is None


def test_a_depot_is_proposed_by_one_and_confirmed_by_another(sign_in: Any, road: Road) -> None:
    form = {**SCOPE, "kind": "depot", "word": "LEEDS/donate", "meaning": "GIVE", "reason": "a charity"}
    sign_in("ops").post("/mappings/change", form)
    assert meaning(road, "depot", "LEEDS/donate") is None
    text = text_of(sign_in("finance").get("/mappings?kind=depot&brand=north&portal=" + PORTAL))
    number = text.split('name="change" value="')[1].split('"')[0]
    refused = sign_in("ops").post("/mappings/decide", {"change": number, "verdict": "confirm"})
    assert refused.status_code == 422 and "another person has to confirm" in text_of(refused)
    assert "Confirm “LEEDS/donate”" in text_of(sign_in("finance").get("/"))
    sign_in("finance").post("/mappings/decide", {"change": number, "verdict": "confirm"})
    assert meaning(road, "depot", "LEEDS/donate") == "GIVE"


def upload(client: Any, name: str, data: bytes, kind: str = "reason") -> Any:
    file = io.BytesIO(data)
    file.name = name
    return client.post("/mappings/upload", {**SCOPE, "kind": kind, "file": file})


def test_a_file_with_bad_rows_names_row_column_and_cure_and_the_good_rows_wait(sign_in: Any, road: Road) -> None:
    client = sign_in("ops")
    data = "word;meaning\nSmells of smoke;ODOUR\n;X\nTorn;\nToo small;FIT\nStained;S1\nStained;S2\n"
    answer = upload(client, "reasons.csv", data.encode())
    text = text_of(answer)
    assert answer.status_code == 200 and "2 changes, 1 as they are, 3 bad rows" in text
    for cells in (
        ("3", "word", "it is empty"),
        ("4", "meaning", "it is empty"),
        ("7", "meaning", "“Stained” means “S1” in row 6"),
    ):
        assert f'<td class="num">{cells[0]}</td><td>{cells[1]}</td><td>{cells[2]}</td>' in text
    assert meaning(road, "reason", "Smells of smoke") is None
    packed = '[["Smells of smoke", "ODOUR"], ["Stained", "S1"]]'
    client.post("/mappings/take-in", {**SCOPE, "kind": "reason", "packed": packed, "reason": "list", "name": "r.csv"})
    assert meaning(road, "reason", "Stained") == "S1" and road.problems() == []


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.csv", b"sku,code\n1,2\n", "row 1: there is no column “word”"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"word,meaning\n\xff\xfe,2\n", "save it as “CSV UTF-8”"),
        ("a.xlsx", b"PK\x03\x04nonsense", "no workbook we can read"),
        ("a.csv", b"word,meaning\n" + b"a,b\n" * 6_000, "more than 5,000 rows"),
        ("a.csv", b"x" * 2_100_000, "larger than 2 MB"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(
    sign_in: Any, road: Road, name: str, data: bytes, sentence: str
) -> None:
    answer = upload(sign_in("ops"), name, data)
    assert answer.status_code == 422 and sentence in text_of(answer)


def test_a_workbook_goes_out_and_comes_back_as_it_was(sign_in: Any, road: Road) -> None:
    client = sign_in("ops")
    client.post("/mappings/change", {**SCOPE, "kind": "reason", "word": "=1+1", "meaning": "007", "reason": "odd"})
    query = "?kind=reason&brand=north&portal=" + PORTAL
    book = client.get("/mappings.xlsx" + query).content
    assert b"<f>" not in book
    assert "no changes, 3 as they are, no bad rows" in text_of(upload(client, "out.xlsx", book))
    text = text_of(client.get("/mappings.csv" + query))
    assert "'=1+1,007" in text
    assert "no changes, 3 as they are, no bad rows" in text_of(upload(client, "out.csv", text.encode()))
    assert {row["word"] for row in client.get("/mappings.json" + query).json()["words"]} >= {"=1+1", "Too small"}


def test_a_reason_bucket_that_swallows_too_much_raises_an_alarm(sign_in: Any, road: Road) -> None:
    Desk(road.world).change_word(
        Fix(brand="north", portal=PORTAL, kind=MapKind.REASON, word="Too small", meaning="OTHER"),
        "robin",
        "lazy",
        "console",
    )
    for number in range(100, 120):
        road.outside.show(portal_return(f"B{number}", road.outside.sell(sold_order(f"8{number}", f"#2{number}"))))
    road.settle()
    count_sightings(road.world.database)
    watch_reasons(road.world)
    watch_reasons(road.world)
    assert road.problems().count("reasons_collapse") == 1
    text = text_of(sign_in("cx").get("/mappings"))
    assert "86 % of the returns of the last 28 days end in the catch-all “OTHER”" in text
    fix = Fix(brand="north", portal=PORTAL, kind=MapKind.REASON, word="Too small", meaning="FIT")
    Desk(road.world).change_word(fix, "robin", "a code of its own", "console")
    watch_reasons(road.world)
    assert "reasons_collapse" not in road.problems()


def test_a_delivery_is_shown_with_people_covered_and_looking_is_logged(sign_in: Any, road: Road) -> None:
    with road.world.database.read() as tx:
        (row,) = tx.rows("console_deliveries", connection="portal", before=10**17, rows=1)
    client = sign_in("integration")
    assert str(row["id"]) in text_of(client.get("/deliveries?connection=portal"))
    text = text_of(client.get(f"/deliveries/{row['id']}"))
    assert "R2" in text
    with road.world.database.read() as tx:
        (entry,) = tx.query("select actor from log where name = 'DeliverySeen.v1'", {})
    assert entry["actor"] == "person:integration"
    assert sign_in("cx").get(f"/deliveries/{row['id']}").status_code == 403


def test_a_refused_command_is_changed_seen_and_asked_for_anew(sign_in: Any, road: Road) -> None:
    from counterfoil.ports.outcomes import Refused

    refusal = Refused(kind="reason_not_mapped", message="FIT is not known.")
    road.outside.plan["OpenReturnAuthorisation"] = [refusal]
    road.outside.show(portal_return("E", road.outside.sell(sold_order("9700", "#1700"))))
    road.settle()
    client, case = sign_in("ops"), f"north/{PORTAL}/E"
    page = f"/returns/edit?case={case}&step=rma-1"
    assert page.replace("&", "&amp;") in text_of(client.get(f"/returns/{case}")).replace("%2F", "/")
    assert 'value="FIT"' in text_of(client.get(page))
    form = {"case": case, "step": "rma-1", "at:lines.0.reason_code": "SIZE", "reason": "renamed"}
    seen = text_of(client.post("/returns/edited", form))
    assert "<del>FIT</del>" in seen and "<ins>SIZE</ins>" in seen
    assert road.rows("select max(edition) as n from commands where case_id = :id", id=case) == [{"n": 1}]
    answer = client.post("/returns/edited", {**form, "go": "send"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/returns/{case}")
    text = text_of(client.get(f"/returns/{case}"))
    assert "renamed Changed: reason code FIT → SIZE." in text
    assert "Nothing is different yet" not in text
    assert sign_in("cx").get(page).status_code == 403
    assert sign_in("ops").get(f"/returns/edit?case={case}&step=nothing-1").status_code == 422
