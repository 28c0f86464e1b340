"""The simulated Prima at the other end of a file drop (Prima sheet §6)."""

from __future__ import annotations

import asyncio
import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from counterfoil.erps.prima.sim import PrimaSimulator
from counterfoil.erps.prima.sim.drop import FileDrop
from counterfoil.simkit.server import Running

WORLD: dict[str, Any] = {
    "company": "1",
    "now": "2026-03-02T09:00:00Z",
    "sales_orders": [
        {
            "order_number": "100001",
            "customer_code": "CUST1",
            "currency": "GBP",
            "lines": [{"line_no": 1, "sku": "TEE-M", "quantity": 3, "unit_price": "20.00"}],
        }
    ],
    "products": [{"sku": "TEE-M"}, {"sku": "TEE-L"}],
    "depots": [{"code": "RETQ", "kind": "quarantine"}, {"code": "MAIN", "kind": "sellable"}],
    "depot_stock": [{"sku": "TEE-L", "depot": "MAIN", "on_hand": 5}],
}
Rows = Sequence[Sequence[object]]
Rec = dict[str, str]


def a_return(ref: str, quantity: str = "1", sku: str = "TEE-M") -> Rows:
    header = ["H", ref, "100001", "CUST1", "R1", "2026-03-01", "TRACK1"]
    return [header, ["L", 1, 1, sku, quantity, "SIZE", "RETQ"]]


def a_receipt(ref: str, number: str, depot: str = "RETQ") -> Rows:
    return [
        ["H", ref, number, "2026-03-01", "WH1"],
        ["L", 1, 1, "TEE-M", "1", depot, "A1", "quarantine", "", "S1;S2"],
    ]


def a_credit(ref: str, number: str, day: str = "2026-03-02") -> Rows:
    return [
        ["H", ref, "100001", number, day, "GBP", "18.67", "3.33", "22.00", "re_1;re_2"],
        ["L", 1, 1, "TEE-M", "1", "16.67", "S", "3.33", "20.00"],
        ["C", "DELIVERY", "2.00", "S", "0.00", "2.00"],
    ]


def an_exchange(ref: str, number: str) -> Rows:
    who = ["Robin Example", "1 High Street", "", "Leeds", "", "LS1 1AA", "GB", "robin@example.com", ""]
    header = ["H", ref, "EXCH", "100001", number, "", "CUST1", "GBP", *who]
    return [header, ["L", 1, "TEE-L", "1", "20.00", "S", "MAIN"]]


class Exchange:
    """Both ends of a folder, with a clock the test moves."""

    def __init__(self, folder: Path, **switches: Any) -> None:
        self.folder, self.now, self.seq = folder, 0.0, 0
        self.drop = FileDrop(folder, WORLD, switches, clock=lambda: self.now)

    def switch(self, **values: Any) -> None:
        self.drop.books.switches.apply(values)

    def send(self, kind: str, *documents: Rows, seq: int | None = None, trailer: Rec | None = None) -> str:
        self.seq = self.seq + 1 if seq is None else seq
        rows = [row for document in documents for row in document]
        amounts = [row for row in rows if row[0] in {"L", "C"}]
        place = {"SRET": 4, "GRN": 4, "SORD": 3, "SCRN": 8}.get(kind, 4)
        total = sum((Decimal(str(row[place if row[0] == "L" else 5])) for row in amounts), Decimal("0.00"))
        end = {"documents": str(len(documents)), "lines": str(len(amounts)), "total": str(total)} | (trailer or {})
        header = ["FH", kind, "CFOIL", self.seq, "2026-03-02T09:00:00Z", "1", "1"]
        return self.write(f"{kind}_CFOIL_20260302T090000Z_{self.seq:08d}.csv", [header, *rows, ["FT", *end.values()]])

    def write(self, name: str, rows: Rows, encoding: str = "utf-8") -> str:
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        return self.put(name, out.getvalue().encode(encoding))

    def put(self, name: str, content: bytes) -> str:
        temporary = self.folder / "in" / f"{name}.tmp"
        temporary.write_bytes(content)
        temporary.rename(self.folder / "in" / name)
        return name

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.folder / folder).iterdir())

    def rows(self, folder: str, number: int = -1) -> list[list[str]]:
        path = self.folder / folder / self.names(folder)[number]
        return list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))

    def outcome(self) -> tuple[str, str]:
        """Status and code of the last ACK."""
        row = self.rows("ack")[1]
        return row[2], row[3]

    def answered(self, kind: str, *documents: Rows) -> list[list[str]]:
        """The D and E rows that come back for a file."""
        name = self.send(kind, *documents)
        self.drop.tick()
        return _rows_of(self.folder / "resp" / f"RESP_{name}")


def _rows_of(path: Path) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    assert rows[0][0] == "FH"
    assert rows[-1][0] == "FT"
    assert rows[-1][1] == str(sum(1 for row in rows if row[0] == "D"))
    return rows[1:-1]


@pytest.fixture
def both(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def test_a_file_is_acknowledged_answered_and_archived(both: Exchange) -> None:
    name = both.send("SRET", a_return("SRET-1"), a_return("SRET-2"))
    assert both.drop.tick() == 3
    assert (both.names("in"), both.names("archive"), both.names("error")) == ([], [name], [])
    ack = both.rows("ack")
    assert ack[0][:4] == ["FH", "ACK", "CFOIL", "1"]
    assert ack[1][:4] == ["A", name, "ACCEPTED", ""]
    assert ack[1][5].endswith("Z")
    assert ack[2] == ["FT", "1"]
    response = both.rows("resp")
    assert response[0][:4] == ["FH", "RESP", "CFOIL", "1"]
    assert [row[:4] for row in response[1:3]] == [
        ["D", "SRET-1", "CREATED", "SR000001"],
        ["D", "SRET-2", "CREATED", "SR000002"],
    ]
    assert (both.names("ack"), both.names("resp")) == ([f"ACK_{name}"], [f"RESP_{name}"])


def test_all_four_types_travel_and_a_credit_comes_back_posted_with_its_total(both: Exchange) -> None:
    both.answered("SRET", a_return("SRET-1"))
    assert both.answered("GRN", a_receipt("GRN-1", "SR000001"))[0][2:4] == ["CREATED", "GR000001"]
    assert both.answered("SCRN", a_credit("SCRN-1", "SR000001"))[0] == [
        *["D", "SCRN-1", "CREATED", "CN000001"],
        *["", "", "22.00"],
    ]
    assert both.answered("SORD", an_exchange("SORD-1", "SR000001"))[0][2:4] == ["CREATED", "SO000001"]
    documents = both.drop.books.documents()
    assert documents["stock_receipts"][0]["lines"][0]["serials"] == ["S1", "S2"]
    assert documents["sales_credit_notes"][0]["status"] == "posted"
    assert documents["sales_credit_notes"][0]["refund_refs"] == ["re_1", "re_2"]
    assert documents["sales_orders"][0]["delivery"]["town"] == "Leeds"


def test_temporary_names_are_left_alone(both: Exchange) -> None:
    (both.folder / "in" / "SRET_CFOIL_20260302T090000Z_00000001.csv.tmp").write_bytes(b"half")
    assert both.drop.tick() == 0


def test_answers_keep_their_delays_and_the_ack_is_first(tmp_path: Path) -> None:
    both = Exchange(tmp_path, ack_delay_s=10, resp_delay_s=60)
    both.send("SRET", a_return("SRET-1"))
    counts = []
    for both.now in (0.0, 10.0, 59.0, 60.0):
        both.drop.tick()
        counts.append((len(both.names("ack")), len(both.names("resp"))))
    assert counts == [(0, 0), (1, 0), (1, 0), (1, 1)]


def test_a_refused_document_names_its_code_and_its_line_and_leaves_the_others(both: Exchange) -> None:
    rows = both.answered("SRET", a_return("SRET-1", sku="NONE"), a_return("SRET-2", "9"), a_return("SRET-3"))
    assert [(row[0], row[1]) for row in rows] == [
        ("D", "SRET-1"),
        ("E", "SRET-1"),
        ("D", "SRET-2"),
        ("E", "SRET-2"),
        ("D", "SRET-3"),
    ]
    assert [rows[0][2], rows[0][4]] == ["REJECTED", "UNKNOWN_SKU"]
    assert rows[1][2:4] == ["1", "UNKNOWN_SKU"]
    assert rows[2][4] == "QTY_EXCEEDS_DESPATCHED"
    assert rows[4][2:4] == ["CREATED", "SR000001"]


def test_a_document_sent_again_is_a_duplicate_with_its_number(both: Exchange) -> None:
    both.answered("SRET", a_return("SRET-1"))
    assert both.answered("SRET", a_return("SRET-1"))[0][2:5] == ["DUPLICATE", "SR000001", "DUPLICATE_REF"]
    assert len(both.drop.books.documents()["sales_returns"]) == 1


@pytest.mark.parametrize(
    ("trailer", "code"),
    [
        ({"documents": "2"}, "BAD_COUNT"),
        ({"lines": "2"}, "BAD_COUNT"),
        ({"total": "1.01"}, "BAD_CONTROL_TOTAL"),
        ({"total": "one"}, "BAD_FORMAT"),
    ],
)
def test_a_trailer_that_disagrees_refuses_the_file_and_applies_nothing(
    both: Exchange, trailer: dict[str, str], code: str
) -> None:
    name = both.send("SRET", a_return("SRET-1"), trailer=trailer)
    both.drop.tick()
    assert both.outcome() == ("REJECTED", code)
    assert (both.names("resp"), both.names("error")) == ([], [name])
    assert both.drop.books.documents()["sales_returns"] == []


HEAD = b"FH,SRET,CFOIL,1,2026-03-02T09:00:00Z,1,1\r\n"
GOOD_NAME = "SRET_CFOIL_20260302T090000Z_00000001.csv"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        (GOOD_NAME, HEAD + b"H,SRET-1,100001,CUST1,R1,,\r\n", "TRUNCATED"),
        (GOOD_NAME, b"", "TRUNCATED"),
        (GOOD_NAME, HEAD + b"H,SRET-1\r\nFT,1,0,0\r\n", "BAD_FORMAT"),
        (GOOD_NAME, HEAD + b"L,1,1,TEE-M,1,SIZE,\r\nFT,0,1,1\r\n", "BAD_FORMAT"),
        (GOOD_NAME, HEAD + b"X,1\r\nFT,0,0,0\r\n", "BAD_FORMAT"),
        (GOOD_NAME, HEAD + b"\xff\r\nFT,0,0,0\r\n", "BAD_FORMAT"),
        (GOOD_NAME, HEAD.replace(b",1,1\r", b",7,1\r") + b"FT,0,0,0\r\n", "BAD_FORMAT"),
        (GOOD_NAME, HEAD.replace(b"SRET", b"GRN") + b"FT,0,0,0\r\n", "BAD_FORMAT"),
        (GOOD_NAME, HEAD.replace(b",1\r", b",2\r") + b"FT,0,0,0\r\n", "BAD_FORMAT"),
        ("INV_CFOIL_20260302T090000Z_00000001.csv", HEAD + b"FT,0,0,0\r\n", "UNKNOWN_TYPE"),
        ("notes.csv", b"hello", "BAD_FORMAT"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(both: Exchange, name: str, content: bytes, code: str) -> None:
    both.put(name, content)
    both.drop.tick()
    assert both.outcome() == ("REJECTED", code)
    assert both.names("error") == [name]


def test_a_file_number_is_accepted_once_and_a_gap_waits_for_the_missing_one(both: Exchange) -> None:
    outcomes = []
    for seq, ref in ((1, "SRET-1"), (1, "SRET-2"), (3, "SRET-3"), (2, "SRET-2"), (3, "SRET-3")):
        name = both.send("SRET", a_return(ref), seq=seq)
        for folder in ("ack", "resp"):
            for left in (both.folder / folder).iterdir():
                left.unlink()
        both.drop.tick()
        assert both.names("ack")[0].startswith("ACK_" + name.removesuffix(".csv"))
        outcomes.append(both.outcome())
    assert outcomes == [
        ("ACCEPTED", ""),
        ("REJECTED", "DUPLICATE_FILE"),
        ("REJECTED", "SEQUENCE_GAP"),
        ("ACCEPTED", ""),
        ("ACCEPTED", ""),
    ]


def test_a_refused_file_may_be_corrected_under_its_number_or_the_next(both: Exchange) -> None:
    both.send("SRET", a_return("SRET-1"), trailer={"total": "9.00"})
    both.drop.tick()
    both.send("SRET", a_return("SRET-1"), seq=1)
    both.drop.tick()
    assert both.answered("SRET", a_return("SRET-2"))[0][2:4] == ["CREATED", "SR000002"]


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_and_bare_line_feeds_are_read(both: Exchange, prefix: bytes) -> None:
    body = "H,SRET-1,100001,CUST1,R1,,\nL,1,1,TEE-M,1,SIZE,RETQ\nFT,1,1,1.00\n"
    both.put(GOOD_NAME, prefix + HEAD.replace(b"\r", b"") + body.encode())
    both.drop.tick()
    assert both.outcome() == ("ACCEPTED", "")


def test_windows_1252_and_british_dates_are_options(tmp_path: Path) -> None:
    both = Exchange(tmp_path, encoding="windows-1252", date_format="dd/mm/yyyy")
    rows = [list(row) for row in a_return("SRET-1")]
    rows[0][4:6] = ["Zoë", "01/03/2026"]
    header = ["FH", "SRET", "CFOIL", 1, "2026-03-02T09:00:00Z", "1", "1"]
    both.write(GOOD_NAME, [header, *rows, ["FT", 1, 1, "1.00"]], "windows-1252")
    both.drop.tick()
    made = both.drop.books.documents()["sales_returns"][0]
    assert (made["portal_ref"], made["authorised_at"]) == ("Zoë", "2026-03-01")


def _xml(inner: str, trailer: str = '<Trailer documents="1" lines="1" controlTotal="1.00"/>', dtd: str = "") -> bytes:
    head = '<PrimaFile type="SRET" interface="CFOIL" seq="1" created="2026-03-02T09:00:00Z" company="1" version="1">'
    return f'<?xml version="1.0" encoding="UTF-8"?>{dtd}{head}{inner}{trailer}</PrimaFile>'.encode()


XML_DOCUMENT = (
    '<Document external_ref="SRET-1" order_number="100001" customer_code="CUST1">'
    '<Line line_no="1" order_line_no="1" sku="TEE-M" quantity="1" reason_code="SIZE"/></Document>'
)


def test_the_xml_form_is_read_and_answered_in_xml(both: Exchange) -> None:
    both.put(GOOD_NAME.replace("csv", "xml"), _xml(XML_DOCUMENT))
    both.drop.tick()
    ack = ET.parse(both.folder / "ack" / both.names("ack")[0]).getroot()
    response = ET.parse(both.folder / "resp" / both.names("resp")[0]).getroot()
    assert (ack.get("type"), ack[0].get("status"), ack[1].get("documents")) == ("ACK", "ACCEPTED", "1")
    assert (response.get("seq"), response[0].get("erp_number"), response[1].tag) == ("1", "SR000001", "Trailer")


def test_a_refused_document_in_xml_holds_its_lines(both: Exchange) -> None:
    both.put(GOOD_NAME.replace("csv", "xml"), _xml(XML_DOCUMENT.replace("TEE-M", "NONE")))
    both.drop.tick()
    document = ET.parse(both.folder / "resp" / both.names("resp")[0]).getroot()[0]
    assert (document.get("code"), document[0].get("line_no")) == ("UNKNOWN_SKU", "1")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (_xml(XML_DOCUMENT, dtd="<!DOCTYPE PrimaFile []>"), "BAD_FORMAT"),
        (_xml(XML_DOCUMENT, trailer=""), "TRUNCATED"),
        (_xml(XML_DOCUMENT)[:-8], "TRUNCATED"),
        (_xml(XML_DOCUMENT, trailer='<Trailer documents="1" lines="1" controlTotal="2"/>'), "BAD_CONTROL_TOTAL"),
        (b"<Other></PrimaFile>", "BAD_FORMAT"),
    ],
)
def test_bad_xml_is_refused_and_so_is_a_document_type(both: Exchange, content: bytes, code: str) -> None:
    both.put(GOOD_NAME.replace("csv", "xml"), content)
    both.drop.tick()
    ack = ET.parse(both.folder / "ack" / both.names("ack")[0]).getroot()
    assert (ack[0].get("status"), ack[0].get("code")) == ("REJECTED", code)


# Switches of sheet §8 F


@pytest.mark.parametrize(("switch", "code"), [(True, "BAD_FORMAT"), ("TRUNCATED", "TRUNCATED")])
def test_a_file_can_be_refused_on_request(both: Exchange, switch: bool | str, code: str) -> None:
    both.switch(reject_file=switch)
    both.send("SRET", a_return("SRET-1"))
    both.drop.tick()
    assert both.outcome() == ("REJECTED", code)


def test_one_document_can_be_refused_on_request(both: Exchange) -> None:
    both.switch(reject_document={"SRET-2": "PERIOD_CLOSED"})
    rows = both.answered("SRET", a_return("SRET-1"), a_return("SRET-2"))
    assert [(row[2], row[4]) for row in rows] == [("CREATED", ""), ("REJECTED", "PERIOD_CLOSED")]


def test_a_held_document_gets_its_number_when_a_person_releases_it(both: Exchange) -> None:
    both.switch(hold_document=["SRET-1"])
    assert both.answered("SRET", a_return("SRET-1"))[0][2:4] == ["HELD", ""]
    assert both.drop.books.documents()["sales_returns"] == []
    both.switch(hold_document=[])
    both.drop.release("SRET-1")
    both.drop.tick()
    assert both.names("resp")[1].endswith("_00000001_2.csv")
    assert both.rows("resp", 1)[1][2:4] == ["CREATED", "SR000001"]


def test_answers_can_come_twice(both: Exchange) -> None:
    both.switch(duplicate_answers=True)
    both.answered("SRET", a_return("SRET-1"))
    first, second = both.names("resp")
    assert second == first.replace(".csv", "_2.csv")
    assert both.rows("resp", 0) == both.rows("resp", 1)


def test_answers_can_come_in_the_wrong_order(both: Exchange) -> None:
    both.switch(swap_order=True)
    both.send("SRET", a_return("SRET-1"), a_return("SRET-2"))
    both.drop.tick()
    assert (len(both.names("ack")), both.names("resp")) == (1, [])
    both.send("GRN", a_receipt("GRN-1", "SR000001"))
    both.drop.tick()
    assert [name.split("_CFOIL")[0] for name in both.drop.written] == ["ACK_SRET", "ACK_GRN", "RESP_GRN", "RESP_SRET"]
    rows = _rows_of(both.folder / "resp" / next(name for name in both.names("resp") if "SRET" in name))
    assert [row[1] for row in rows] == ["SRET-2", "SRET-1"]


@pytest.mark.parametrize(("switch", "acks", "responses"), [(True, 0, 0), ("ack", 0, 1), ("resp", 1, 0), (False, 1, 1)])
def test_answers_can_stay_away_although_the_work_is_done(
    both: Exchange, switch: bool | str, acks: int, responses: int
) -> None:
    both.switch(drop_answer=switch)
    both.send("SRET", a_return("SRET-1"))
    both.drop.tick()
    assert (len(both.names("ack")), len(both.names("resp"))) == (acks, responses)
    assert len(both.drop.books.documents()["sales_returns"]) == 1


def test_an_answer_without_its_trailer_is_completed_when_the_switch_goes_off(both: Exchange) -> None:
    both.switch(no_trailer=True)
    both.send("SRET", a_return("SRET-1"))
    both.drop.tick()
    assert both.rows("resp")[-1][0] == "D"
    both.switch(no_trailer=False)
    assert both.drop.tick() == 2
    assert both.rows("resp")[-1] == ["FT", "1"]


def test_an_answer_can_be_left_under_its_temporary_name(both: Exchange) -> None:
    both.switch(leave_tmp=True)
    name = both.send("SRET", a_return("SRET-1"))
    both.drop.tick()
    assert both.names("resp") == [f"RESP_{name}.tmp"]
    both.switch(leave_tmp=False)
    both.drop.tick()
    assert both.names("resp") == [f"RESP_{name}"]


def test_a_credit_by_file_can_come_back_a_penny_lower(both: Exchange) -> None:
    both.switch(total_off_by_one=True)
    both.answered("SRET", a_return("SRET-1"))
    assert both.answered("SCRN", a_credit("SCRN-1", "SR000001"))[0][6] == "21.99"


def test_a_running_simulator_watches_the_folder_of_its_world(tmp_path: Path) -> None:
    async def story() -> list[str]:
        simulator = PrimaSimulator({**WORLD, "file_drop": {"folder": str(tmp_path), "poll_s": 0.01}})
        running = Running(simulator)
        await running.start()
        Exchange(tmp_path).send("SRET", a_return("SRET-1"))
        for _ in range(200):
            if any((tmp_path / "resp").iterdir()):
                break
            await asyncio.sleep(0.01)
        await running.stop()
        return [record["return_number"] for record in simulator.state()["documents"]["sales_returns"]]

    assert asyncio.run(story()) == ["SR000001"]
