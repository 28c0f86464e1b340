"""The SOAP layer of the order manager (sheet §2.1): service description, two operations, one string in and out.

The sheet names the operations; the names of their parameters are not public, so the first text that is XML is taken
as the document and a parameter whose name holds `company` as the company (inferred).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.declared import AnswerLost
from counterfoil.erps.prima.sim.order_manager import answer
from counterfoil.erps.prima.sim.xmltext import NotXml, local, parse
from counterfoil.simkit.http import Request, Response

NAMESPACE = "urn:omlink"
OPERATIONS = ("wsomhandler", "comwsomhandler")
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_PROXY_PAGE = b"<html><head><title>502</title></head><body><h1>Bad Gateway</h1><hr>upstream closed</body></html>"


class OrderManager:
    """Answers requests below `/wsa`: the description at `…/wsdl`, the operations at any other path by POST."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def handle(self, request: Request, base_url: str) -> Response:
        """Answer one request. There are no credentials at this layer (sheet §2.1)."""
        switches = self._books.switches
        if request.path.endswith("/wsdl"):
            return self._describe(request, base_url)
        if request.method != "POST":
            return _fault("only POST is served here", 405)
        if switches.non_xml_502:
            return _proxy_page()
        try:
            operation, document, company = _unwrap(request.body)
        except NotXml as error:
            return _fault(str(error))
        try:
            result = answer(self._books, document, company if operation == "comwsomhandler" else None)
        except AnswerLost:
            return _proxy_page()
        return _proxy_page() if switches.non_xml_502_after_commit else _wrap(operation, result)

    def _describe(self, request: Request, base_url: str) -> Response:
        if request.method != "GET" or request.param("targetURI") != NAMESPACE:
            return _fault(f"ask for ?targetURI={NAMESPACE}", 404)
        instance = base_url + request.path.removesuffix("/wsdl")
        return Response(200, _wsdl(instance).encode(), {"content-type": "text/xml; charset=utf-8"})


def _unwrap(content: bytes) -> tuple[str, str, str]:
    """Operation, document and company of a SOAP 1.1 envelope. Raises NotXml."""
    envelope = parse(content)
    body = next((child for child in envelope if local(child.tag) == "Body"), None)
    call = next(iter(body), None) if body is not None else None
    if local(envelope.tag) != "Envelope" or call is None or local(call.tag) not in OPERATIONS:
        raise NotXml(f"an Envelope with a Body and one of {', '.join(OPERATIONS)} is expected")
    parameters = list(call)
    company = next((_text(child) for child in parameters if "company" in local(child.tag).lower()), "")
    document = next((_text(child) for child in parameters if _text(child).startswith("<")), "")
    return local(call.tag), document, company


def _text(element: ET.Element) -> str:
    return (element.text or "").strip()


def _wrap(operation: str, result: bytes) -> Response:
    """The document as one string in the answer. The envelope is ISO-8859-1 too, so any reader sees one encoding."""
    envelope = ET.Element("soap:Envelope", {"xmlns:soap": _ENVELOPE})
    call = ET.SubElement(ET.SubElement(envelope, "soap:Body"), f"{operation}Response", {"xmlns": NAMESPACE})
    ET.SubElement(call, "result").text = result.decode("iso-8859-1")
    body = ET.tostring(envelope, encoding="iso-8859-1", xml_declaration=True)
    return Response(200, body, {"content-type": "text/xml; charset=ISO-8859-1"})


def _fault(message: str, status: int = 500) -> Response:
    envelope = ET.Element("soap:Envelope", {"xmlns:soap": _ENVELOPE})
    fault = ET.SubElement(ET.SubElement(envelope, "soap:Body"), "soap:Fault")
    ET.SubElement(fault, "faultcode").text = "soap:Client"
    ET.SubElement(fault, "faultstring").text = message
    body = ET.tostring(envelope, encoding="utf-8", xml_declaration=True)
    return Response(status, body, {"content-type": "text/xml; charset=utf-8"})


def _proxy_page() -> Response:
    return Response(502, _PROXY_PAGE, {"content-type": "text/html"})


def _wsdl(instance: str) -> str:
    """The service description: document style, each operation with string parameters."""
    schema = "".join(_element(name) for name in OPERATIONS)
    messages = "".join(
        f'<message name="{name}{end}"><part name="parameters" element="tns:{name}{end}"/></message>'
        for name in OPERATIONS
        for end in ("", "Response")
    )
    port = "".join(
        f'<operation name="{name}"><input message="tns:{name}"/><output message="tns:{name}Response"/></operation>'
        for name in OPERATIONS
    )
    binding = "".join(
        f'<operation name="{name}"><soap:operation soapAction="" style="document"/>'
        '<input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>'
        for name in OPERATIONS
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="{NAMESPACE}" name="omlink"'
        ' xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
        f' targetNamespace="{NAMESPACE}"><types><xs:schema targetNamespace="{NAMESPACE}"'
        f' elementFormDefault="qualified">{schema}</xs:schema></types>{messages}'
        f'<portType name="omlinkObj">{port}</portType>'
        '<binding name="omlinkBinding" type="tns:omlinkObj">'
        f'<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{binding}</binding>'
        '<service name="omlinkService"><port name="omlinkObj" binding="tns:omlinkBinding">'
        f'<soap:address location="{instance}"/></port></service></definitions>'
    )


def _element(operation: str) -> str:
    company = '<xs:element name="companyId" type="xs:string"/>' if operation.startswith("com") else ""
    return (
        f'<xs:element name="{operation}"><xs:complexType><xs:sequence>{company}'
        '<xs:element name="xmlIn" type="xs:string"/></xs:sequence></xs:complexType></xs:element>'
        f'<xs:element name="{operation}Response"><xs:complexType><xs:sequence>'
        '<xs:element name="result" type="xs:string"/></xs:sequence></xs:complexType></xs:element>'
    )
