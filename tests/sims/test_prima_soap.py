"""The simulated Prima over its SOAP order manager (Prima sheet §2)."""

from __future__ import annotations

import asyncio
import re
import xml.etree.ElementTree as ET
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import httpx2
import pytest

from counterfoil.erps.prima.sim import PrimaSimulator
from counterfoil.simkit.http import Request
from counterfoil.simkit.server import Running

WORLD: dict[str, Any] = {
    "company": "1",
    "products": [
        {"sku": "BOOT-E-085", "product": "BOOT", "matrix": ["E", "085"], "available_date": "2026-04-01"},
        {"sku": "BOOT-E-090", "product": "BOOT", "matrix": ["E", "090"]},
        {"sku": "LACE", "product": "LACE", "colour": "NONE", "size": "ONE"},
    ],
    "depots": [{"code": "MAIN", "kind": "sellable"}, {"code": "RETQ", "kind": "quarantine"}],
    "depot_stock": [
        {"sku": "BOOT-E-085", "depot": "MAIN", "on_hand": 5, "allocated": 1},
        {"sku": "BOOT-E-085", "depot": "RETQ", "on_hand": 9},
    ],
    "customers": [{"code": "WEBGB", "vat_inclusive": True}],
    "sales_orders": [
        {"order_number": "W1", "status": "part_despatched", "lines": []},
        {"order_number": "W2", "status": "Despatched", "lines": []},
        {"order_number": "W3", "status": "cancelled", "lines": []},
    ],
}
LINE = '<OrderLineData OrderLine="1" Product="BOOT" MtrxCode1="E" MtrxCode2="085" Quantity="2" Price="120.00"/>'


def order(number: str, lines: str = LINE, **more: str) -> str:
    attributes = {"UniqueId": "A1B2C3D4", "TPGUID": f"G-{number}", "OrderNumber": number, "Customer": "WEBGB"}
    attributes |= {"VatInclusive": "Yes", "OrderType": "EXCH", "CustomerRef": "SR000001", **more}
    return f"<Data {' '.join(f'{k}={quoteattr(v)}' for k, v in attributes.items())}>{lines}</Data>"


def request(kind: str, inner: str) -> str:
    return f'<?xml version="1.0" encoding="ISO-8859-1"?><Request RequestType="{kind}">{inner}</Request>'


def envelope(document: str, operation: str = "wsomhandler", company: str = "") -> bytes:
    head = f"<companyId>{company}</companyId>" if company else ""
    call = f'<o:{operation} xmlns:o="urn:omlink">{head}<xmlIn>{escape(document)}</xmlIn></o:{operation}>'
    space = "http://schemas.xmlsoap.org/soap/envelope/"
    text = f'<s:Envelope xmlns:s="{space}"><s:Body>{call}</s:Body></s:Envelope>'
    return text.encode("utf-8")


class Caller:
    """Calls the simulator's entry without a socket; one test below goes over HTTP."""

    def __init__(self) -> None:
        self.simulator = PrimaSimulator(WORLD)

    def send(self, content: bytes, path: str = "/wsa/live") -> tuple[int, bytes]:
        answer = asyncio.run(self.simulator.handle(Request("POST", path, "", {}, content)))
        return answer.status, answer.body

    def text(self, kind: str, inner: str, operation: str = "wsomhandler", company: str = "") -> str:
        status, body = self.send(envelope(request(kind, inner), operation, company))
        assert status == 200
        found = next(element for element in ET.fromstring(body).iter() if element.tag.endswith("result"))
        return found.text or ""

    def call(self, kind: str, inner: str, operation: str = "wsomhandler", company: str = "") -> ET.Element:
        return ET.fromstring(self.text(kind, inner, operation, company).encode("iso-8859-1"))

    def switch(self, **values: Any) -> None:
        self.simulator.books.switches.apply(values)


@pytest.fixture
def prima() -> Caller:
    return Caller()


def codes(element: ET.Element) -> list[str]:
    errors = [row.get("Error", "") for row in element.iter() if row.tag == "RequestError"]
    return re.findall(r"\(E:(\d+)\)", " ".join(errors))


def test_the_description_and_an_order_travel_over_http() -> None:
    async def story() -> tuple[httpx2.Response, httpx2.Response, dict[str, Any]]:
        running = Running(PrimaSimulator(WORLD))
        await running.start()
        async with httpx2.AsyncClient(base_url=running.base_url, trust_env=False) as client:
            wsdl = await client.get("/wsa/live/wsdl", params={"targetURI": "urn:omlink"})
            answer = await client.post("/wsa/live", content=envelope(request("MultiNewOrder", order("EX-1-1"))))
        state = running.simulator.state()
        await running.stop()
        assert f"{running.base_url}/wsa/live" in wsdl.text
        return wsdl, answer, state

    wsdl, answer, state = asyncio.run(story())
    names = {e.get("name") for e in ET.fromstring(wsdl.content).iter() if e.tag.endswith("operation")}
    assert names >= {"wsomhandler", "comwsomhandler"}
    assert answer.status_code == 200
    assert "text/xml" in answer.headers["content-type"]
    assert [o["order_number"] for o in state["documents"]["sales_orders"]] == ["EX-1-1"]


def test_a_description_of_another_name_is_refused() -> None:
    answer = asyncio.run(PrimaSimulator(WORLD).handle(Request("GET", "/wsa/live/wsdl", "targetURI=x", {}, b"")))
    assert answer.status == 404


def test_an_order_is_taken_and_its_tokens_come_back(prima: Caller) -> None:
    result = prima.call("MultiNewOrder", order("EX-1-1"))
    row = result.find("Data")
    assert row is not None
    assert result.get("Company") == "1"
    assert result.get("RequestStatus") is None
    expected = {"UniqueID": "A1B2C3D4", "TPGUID": "G-EX-1-1", "OrderNumber": "EX-1-1", "CustomerCode": "WEBGB"}
    assert dict(row.attrib) == {**expected, "CustRef": "SR000001", "RequestStatus": "OK"}


def test_the_answer_declares_latin_1_and_keeps_other_characters_as_references(prima: Caller) -> None:
    text = prima.text("MultiNewOrder", order("EX-1-1", TPGUID="Å-Łódź").replace("Łó", "&#321;ó").replace("ź", "&#378;"))
    assert text.startswith('<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert "Å-&#321;ód&#378;" in text


def test_an_order_number_is_taken_once(prima: Caller) -> None:
    prima.call("MultiNewOrder", order("EX-1-1"))
    result = prima.call("MultiNewOrder", order("EX-1-1"))
    assert codes(result)[0] == "21"
    assert result.find("Data/RequestError") is not None
    assert len(prima.simulator.state()["documents"]["sales_orders"]) == 1


def test_one_order_may_fail_while_the_next_is_taken(prima: Caller) -> None:
    result = prima.call("MultiNewOrder", order("W1") + order("EX-2-1"))
    assert [row.get("RequestStatus") for row in result.findall("Data")] == ["ERROR", "OK"]


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("085", "999"),
        LINE.replace('"E"', '"e"'),
        LINE.replace('Quantity="2"', 'Quantity=""'),
        LINE.replace("120.00", "cheap"),
        "",
    ],
)
def test_an_order_without_a_valid_line_is_refused_with_194_alone(prima: Caller, line: str) -> None:
    result = prima.call("MultiNewOrder", order("EX-1-1", line))
    assert set(codes(result)) == {"194"}
    assert "There were no Valid Order Lines found" in ET.tostring(result, encoding="unicode")
    assert prima.simulator.state()["documents"]["sales_orders"] == []


def test_a_price_book_that_disagrees_on_vat_is_548_behind_its_follow_on_errors(prima: Caller) -> None:
    result = prima.call("MultiNewOrder", order("EX-1-1", LINE + '<OrderChargeData Charge="DEL"/>', VatInclusive="No"))
    assert codes(result) == ["194", "194", "548"]


def test_messages_are_parted_by_raw_line_breaks_and_end_in_a_trace_only_in_dev_mode(prima: Caller) -> None:
    assert re.search(r'Error="[^"]*\n\(E:194\)[^"]*\nDEV MODE', prima.text("MultiNewOrder", order("W1")))
    prima.switch(dev_mode=False)
    assert "DEV MODE" not in prima.text("MultiNewOrder", order("W1"))


def test_the_status_may_stand_on_the_root_instead(prima: Caller) -> None:
    prima.switch(status_at="root")
    result = prima.call("MultiNewOrder", order("W1") + order("EX-2-1"))
    assert result.get("RequestStatus") == "ERROR"
    assert "(E:21)" in result.get("Error", "")
    assert [row.get("RequestStatus") for row in result.findall("Data")] == [None, None]
    assert prima.call("MultiNewOrder", order("EX-2-2")).get("RequestStatus") == "OK"


@pytest.mark.parametrize(("case", "name"), [("lower", "uniqueid"), ("upper", "UNIQUEID"), ("recorded", "UniqueID")])
def test_the_spelling_of_names_can_be_varied(prima: Caller, case: str, name: str) -> None:
    prima.switch(name_case=case)
    result = prima.call("MultiNewOrder", order("EX-1-1"))
    assert result[0].get(name) == "A1B2C3D4"


def test_latin_1_characters_are_taken_whatever_the_document_declares(prima: Caller) -> None:
    for place, head in enumerate(("", '<?xml version="1.0" encoding="UTF-8"?>')):
        document = f'{head}<Request RequestType="MultiNewOrder">{order(f"EX-{place}", CustomerRef="Zoë")}</Request>'
        status, body = prima.send(envelope(document))
        assert (status, "CustRef=&quot;Zoë&quot;" in body.decode("iso-8859-1").replace('"', "&quot;")) == (200, True)


def test_request_names_are_read_in_any_case(prima: Caller) -> None:
    inner = order("EX-1-1").replace("UniqueId", "UNIQUEID").replace("OrderLineData", "orderlinedata")
    assert prima.call("MultiNewOrder", inner)[0].get("RequestStatus") == "OK"


@pytest.mark.parametrize(
    "document",
    [
        "<Request RequestType='OrderStatus'><Data></Request>",
        "<Request RequestType='OrderStatus'><Data OrderNumber='Łódź'/></Request>",
        "<!DOCTYPE Request [<!ENTITY a 'b'>]><Request RequestType='OrderStatus'/>",
        "<Request RequestType='OrderStatus'><Data OrderNumber='a & b'/></Request>",
        "<Order/>",
    ],
)
def test_one_bad_character_or_tag_loses_the_whole_request(prima: Caller, document: str) -> None:
    status, body = prima.send(envelope(document))
    assert status == 200
    found = next(element.text or "" for element in ET.fromstring(body).iter() if element.tag.endswith("result"))
    root = ET.fromstring(found.encode("iso-8859-1"))
    assert root.get("RequestStatus") == "ERROR"
    assert root.get("Error", "").startswith(
        "The XML may be Invalid or may contain invalid characters. SAX parser error"
    )


@pytest.mark.parametrize("content", [b"", b"<x/>", b"<!DOCTYPE x []><x/>", b"not xml"])
def test_an_envelope_that_cannot_be_read_is_a_fault(prima: Caller, content: bytes) -> None:
    status, body = prima.send(content)
    assert status == 500
    assert b"Fault" in body


def test_the_status_of_orders_is_told_in_the_words_that_were_seen(prima: Caller) -> None:
    asked = "".join(f'<Data OrderNumber="{number}"/>' for number in ("W1", "W2", "W3", "W9"))
    rows = prima.call("OrderStatus", asked).findall("Data")
    assert [row.get("OrderStatus") for row in rows] == ["Part Despatched", "Despatched", "Cancelled", ""]
    assert [row.get("RequestStatus") for row in rows] == ["OK", "OK", "OK", "ERROR"]


def test_stock_of_everything_counts_only_what_can_be_sold(prima: Caller) -> None:
    result = prima.call("ProductAvailableToSell", '<Data ProductFrom="" ProductTo=""/>')
    rows = [(row.get("Product"), row.get("MtrxCode2"), row.get("AvailableQuantity")) for row in result.findall("sku")]
    assert rows == [("BOOT", "085", "4"), ("BOOT", "090", "0"), ("LACE", "ONE", "0")]
    assert [row.get("AvailableDate") for row in result.findall("sku")] == ["01/04/2026", "", ""]
    assert result.get("RequestStatus") == "OK"


def test_stock_of_a_range_leaves_out_the_rest(prima: Caller) -> None:
    result = prima.call("ProductAvailableToSell", '<Data ProductFrom="C" ProductTo="M"/>')
    assert [row.get("Product") for row in result] == ["LACE"]


def test_stock_of_named_products_falls_when_an_order_reserves_it(prima: Caller) -> None:
    row = '<Data><sku Product="BOOT" MtrxCode1="E" MtrxCode2="085"/><sku Product="BOOT" MtrxCode1="None"/></Data>'
    before = [r.get("AvailableQuantity") for r in prima.call("MultiAvailableToSell", row).findall("SKU")]
    prima.call("MultiNewOrder", order("EX-1-1"))
    after = [r.get("AvailableQuantity") for r in prima.call("MultiAvailableToSell", row).findall("SKU")]
    assert (before, after) == (["4"], ["2"])


def test_the_second_operation_wants_a_company_it_knows(prima: Caller) -> None:
    asked = '<Data OrderNumber="W1"/>'
    assert prima.call("OrderStatus", asked, "comwsomhandler", "1").get("RequestStatus") is None
    assert prima.call("OrderStatus", asked, "comwsomhandler", "7").get("RequestStatus") == "ERROR"
    assert prima.call("OrderStatus", asked, "comwsomhandler").get("RequestStatus") == "ERROR"


def test_an_unknown_request_type_is_refused(prima: Caller) -> None:
    assert prima.call("MultiNewReturn", "<Data/>").get("RequestStatus") == "ERROR"


@pytest.mark.parametrize(("switch", "made"), [("non_xml_502", 0), ("non_xml_502_after_commit", 1)])
def test_a_proxys_502_page_comes_before_or_after_the_work(prima: Caller, switch: str, made: int) -> None:
    prima.switch(**{switch: True})
    status, body = prima.send(envelope(request("MultiNewOrder", order("EX-1-1"))))
    assert (status, body[:6]) == (502, b"<html>")
    assert len(prima.simulator.state()["documents"]["sales_orders"]) == made


def test_every_answer_can_be_delayed(prima: Caller) -> None:
    prima.switch(delay_s=0.05)

    async def timed() -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await prima.simulator.handle(Request("POST", "/wsa/live", "", {}, envelope(request("OrderStatus", "<Data/>"))))
        return loop.time() - start

    assert asyncio.run(timed()) >= 0.05


def test_the_credit_an_exchange_is_paid_with_is_kept_on_the_order(prima: Caller) -> None:
    payment = '<OrderPaymentData PayMethod="EXCH" TranAmount="120.00" ExchCreditNo="CN000001"/>'
    prima.call("MultiNewOrder", order("EX-1-1", LINE + payment))
    made = prima.simulator.state()["documents"]["sales_orders"][0]
    assert (made["credit_number"], made["lines"][0]["sku"]) == ("CN000001", "BOOT-E-085")
