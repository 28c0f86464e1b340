"""One answer of the order manager that speaks of several documents is read for ours alone (Prima sheet §2.2)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from counterfoil.erps.prima.config import PrimaConfig, SoapDocument
from counterfoil.erps.prima.records import Document
from counterfoil.erps.prima.transports import Exists, Stored
from counterfoil.erps.prima.transports.soap import SoapTransport
from counterfoil.ports.outcomes import Refused, Unknown

RECORD = {"external_ref": "SRET-LOOP-1", "order_number": "SO1", "lines": [{"line_no": 1, "sku": "A"}]}
OTHER = '<Data UniqueID="OTHER" ReturnNumber="SR9" RequestStatus="ERROR"><RequestError Error="(E:548) no"/></Data>'


@contextmanager
def answering(data: str, status: int = 200) -> Iterator[SoapTransport]:
    """An order manager that answers every request with these Data blocks; UNIQUE stands for what the caller sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"])).decode("iso-8859-1")
            unique = asked.partition('UniqueId="')[2][:8]
            body = f'<Result RequestType="NewReturn">{data.replace("UNIQUE", unique)}</Result>'.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = PrimaConfig(
        price_basis="unit",
        transport="soap",
        base_url=f"http://127.0.0.1:{server.server_address[1]}/wsa",
        documents={"sales_return": SoapDocument(request_type="NewReturn", read="ReturnStatus")},
    )
    transport = SoapTransport(config)
    try:
        yield transport
    finally:
        transport.close()
        server.shutdown()
        server.server_close()


def test_our_document_was_made_though_another_was_refused() -> None:
    mine = '<DATA uniqueid="UNIQUE" RETURNNUMBER="SR1" requeststatus="OK"/>'
    with answering(OTHER + mine) as transport:
        made = transport.create(Document.RETURN, RECORD)
    assert isinstance(made, Stored)
    assert made.record.text("return_number") == "SR1"


def test_our_document_was_refused_though_another_was_made() -> None:
    mine = '<Data UniqueID="UNIQUE" RequestStatus="ERROR"><RequestError Error="(E:194) follow (E:548) price"/></Data>'
    with answering('<Data UniqueID="OTHER" ReturnNumber="SR9" RequestStatus="OK"/>' + mine) as transport:
        refused = transport.create(Document.RETURN, RECORD)
    assert isinstance(refused, Refused)
    assert refused.code == "E:548"


def test_a_duplicate_is_something_to_read_back() -> None:
    mine = '<Data UniqueID="UNIQUE" RequestStatus="ERROR"><RequestError Error="(E:21) exists (E:194) x"/></Data>'
    with answering(mine) as transport:
        assert isinstance(transport.create(Document.RETURN, RECORD), Exists)


@pytest.mark.parametrize(
    "data",
    [
        '<Data UniqueID="UNIQUE" RequestStatus="OK"/>',  # made, but under which number?
        '<Data UniqueID="UNIQUE" TPGUID="SRET-LOOP-2" ReturnNumber="SR1" RequestStatus="OK"/>',  # somebody else's
        "",  # neither OK nor ERROR
    ],
)
def test_an_answer_that_proves_nothing_is_unknown(data: str) -> None:
    with answering(data) as transport:
        assert isinstance(transport.create(Document.RETURN, RECORD), Unknown)
