"""The SOAP/XML order manager (Prima sheet §2): one string in, one string out, over HTTP.

Only orders and stock are public; every other document is sent with the RequestType the settings declare, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from lxml import etree

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.adapterkit.signing import digest
from counterfoil.adapterkit.xml import attributes, local_name, read_xml
from counterfoil.core.documents import StockLevel
from counterfoil.erps.prima import soap
from counterfoil.erps.prima.config import PrimaConfig, SoapDocument, soap_document
from counterfoil.erps.prima.errors import CODES, ErpError, failure_of, rule_for
from counterfoil.erps.prima.records import CannotSay, Document
from counterfoil.erps.prima.stock import company_levels
from counterfoil.erps.prima.transports import Exists, Failure, Stored
from counterfoil.erps.prima.transports.soap_words import (
    NAMES,
    Element,
    blocks_of,
    data,
    envelope,
    matrix,
    matrix_values,
    new_order,
    record_of,
    request,
)
from counterfoil.ports.outcomes import Busy, Refused, Unknown, Unsupported
from counterfoil.ports.translation import Answer

_ORDER_STATUS, _STOCK = "OrderStatus", "MultiAvailableToSell"


class _Said(msgspec.Struct, frozen=True):
    """One answer of the order manager, read: what it means, and the document itself."""

    answer: Answer
    result: etree._Element
    kind: str | None = None  # of the problem it opens, where the reader knows


class SoapTransport:
    """One instance of the order manager. Safe for several threads."""

    def __init__(self, config: PrimaConfig) -> None:
        self._config = config
        headers = {"content-type": "text/xml; charset=ISO-8859-1", "soapaction": '""'}
        self._http = Http(config.base_url, headers, config.timeout_s)
        self.drafts = bool(soap_document(config, "sales_credit_note").actions.get("post"))

    # --- writing ----------------------------------------------------------------------------------------------------

    def create(self, document: Document, record: Mapping[str, Any]) -> Stored | Exists | Failure:
        """Send the document once; a partial success in the answer is read for this document alone."""
        words = self._words(document)
        unique = _unique(str(record["external_ref"]))
        if document is Document.ORDER:
            said = self._say(
                words.request_type or "MultiNewOrder", new_order(record, self._config, unique), writes=True
            )
        else:
            said = self._say(words.request_type, data(record, words, unique), writes=True)
        if not isinstance(said, _Said):
            return said
        said = _own_part(said, unique)
        match said.answer.result:
            case "created" | "ok":
                return self._stored(document, record, said, words)
            case "duplicate":
                return Exists(message=said.answer.message, code=said.answer.primary_code)
        return self._failed(said, writes=True)

    def _stored(
        self, document: Document, record: Mapping[str, Any], said: _Said, words: SoapDocument
    ) -> Stored | Unknown:
        block = next(blocks_of(said.result), None)
        held = record_of(block, words) if block is not None else Fields({})
        if document is Document.ORDER:
            number = said.answer.erp_number or str(record["external_ref"])
            return Stored(record=Fields({**held.data, "order_number": number}))
        if held.data.get("external_ref", record["external_ref"]) != record["external_ref"]:
            message = "Prima's answer names another document than the one that was sent."
            return Unknown(message=message, detail=str(held.data.get("external_ref"))[:80])
        if not held.text(document.number_field):
            return Unknown(message="Prima's answer does not say under which number the document is kept.")
        return Stored(record=held)

    def act(
        self, document: Document, number: str, action: str, body: Mapping[str, Any], key: str
    ) -> Stored | Failure | None:
        """One of the declared actions, such as posting a draft."""
        words = self._words(document, for_exchange=True)
        request_type = words.actions.get(action, "")
        if not request_type:
            return Unsupported(message=f"The order manager has no confirmed RequestType to {action} {document.value}.")
        fields = {document.number_field: number, **body}
        said = self._say(request_type, data(fields, words, _unique(key)), writes=True)
        if not isinstance(said, _Said):
            return said
        if said.answer.result in ("created", "ok", "duplicate"):
            block = next(blocks_of(said.result), None)
            return Stored(record=record_of(block, words) if block is not None else Fields({}))
        return None if self._absent(said) else self._failed(said, writes=True)

    # --- reading ----------------------------------------------------------------------------------------------------

    def by_ref(self, document: Document, external_ref: str) -> Fields | Failure | None:
        """The document with our reference; of an exchange order the reference is the number (§2.5 Rule)."""
        if document is Document.ORDER:
            held = self._order_status(external_ref)
            return Fields({**held.data, "external_ref": external_ref}) if isinstance(held, Fields) else held
        rows = self._read_all(document, {"external_ref": external_ref})
        if not isinstance(rows, list):
            return rows
        return next((row for row in rows if row.data.get("external_ref") == external_ref), None)

    def made(self, document: Document, record: Mapping[str, Any]) -> Fields | Failure | None:
        """The document with the record's reference."""
        return self.by_ref(document, str(record["external_ref"]))

    def by_number(self, document: Document, number: str) -> Fields | Failure | None:
        """The document with Prima's number; an order is read in full where that is declared, else by its status."""
        if document is Document.ORDER and not self._words(document).read:
            return self._order_status(number)
        rows = self._read_all(document, {document.number_field: number})
        if not isinstance(rows, list):
            return rows
        return next((row for row in rows if row.data.get(document.number_field) == number), None)

    def orders(self, external_order_ref: str) -> list[Fields] | Failure:
        """Sales orders that carry the shop's order id or name."""
        return self._read_all(Document.ORDER, {"external_order_ref": external_order_ref})

    def credits_of(self, return_number: str) -> list[Fields] | Failure:
        """The credit notes that name a return."""
        return self._read_all(Document.CREDIT, {"return_number": return_number})

    def customer(self, code: str) -> Fields | Failure | None:
        """The order manager has no such question: Prima fills in the customer's own address (§2.3)."""
        return None

    def stock(self, skus: Sequence[str]) -> tuple[StockLevel, ...] | Failure:
        """`MultiAvailableToSell`: company-wide, without depots (§2.2)."""
        asked = [(sku, matrix(sku, self._config)) for sku in skus]
        rows: list[Element] = [("sku", matrix_values(codes), ()) for _, codes in asked]
        said = self._say(_STOCK, ("Data", {}, rows), writes=False)
        if not isinstance(said, _Said):
            return said
        if said.answer.result != "ok":
            return self._failed(said, writes=False)
        found = [Fields(attributes(row)) for row in said.result.iter() if local_name(row).lower() == "sku"]
        try:
            return company_levels(asked, found)
        except UnreadableError as trouble:
            return _unreadable(trouble)

    def listed(self, document: Document, since: str, until: str) -> Iterator[Fields]:
        """The order manager lists nothing by date; the account declares no read-back."""
        return iter(())

    def codes(self, table: str) -> list[str] | Failure:
        """The order manager has no code tables to read."""
        return Unsupported(message="the order manager does not offer it; ask the vendor for the list.")

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def _read_all(self, document: Document, asked: Mapping[str, str]) -> list[Fields] | Failure:
        words = self._words(document)
        if not words.read:
            message = f"The order manager has no confirmed RequestType to read {document.value}, so nobody can look."
            return Refused(kind="not_supported_by_system", message=message)
        said = self._say(words.read, data(asked, words, _unique(*asked.values())), writes=False)
        if not isinstance(said, _Said):
            return said
        if said.answer.result in ("ok", "created"):
            return [record_of(block, words) for block in blocks_of(said.result)]
        return [] if self._absent(said) else self._failed(said, writes=False)

    def _order_status(self, number: str) -> Fields | Failure | None:
        said = self._say(_ORDER_STATUS, ("Data", {"OrderNumber": number}, ()), writes=False)
        if not isinstance(said, _Said):
            return said
        if said.answer.result != "ok":
            return None if self._absent(said) else self._failed(said, writes=False)
        block = next(blocks_of(said.result), None)
        status = attributes(block).get("orderstatus", "") if block is not None else ""
        return Fields({"order_number": number, "status": status})

    # --- one exchange of documents ----------------------------------------------------------------------------------

    def _words(self, document: Document, *, for_exchange: bool = False) -> SoapDocument:
        name = "exchange_order" if document is Document.ORDER and for_exchange else NAMES[document]
        return soap_document(self._config, name)

    def _say(self, request_type: str, block: Element, *, writes: bool) -> _Said | Failure:
        """Send one request. What is no answer of Prima (a proxy's page, a fault) may hide that it was carried out."""
        if not request_type:
            raise CannotSay("not_supported_by_system", "The order manager has no confirmed RequestType for this.")
        content = envelope(request(request_type, [block]), self._config)
        answer = self._http.call("POST", "", writes=writes, content=content)
        if not isinstance(answer, Answered):
            return answer
        try:
            root = read_xml(answer.body, content_type=answer.headers.get("content-type", ""), fallback=soap.ENCODING)
            read, findings, _ = soap.read_answer(root)
            return _Said(read, soap.unwrapped(root), findings[0].kind if findings else None)
        except UnreadableError as trouble:
            detail = f"HTTP {answer.status}: {trouble}"
        if writes:
            return Unknown(message="Prima's answer could not be read; what was sent may be stored.", detail=detail)
        return Busy(message="Prima's answer could not be read.", detail=detail)

    def _absent(self, said: _Said) -> bool:
        text = said.answer.message.lower()
        return said.answer.result in ("rejected", "not_found") and any(
            phrase.lower() in text for phrase in self._config.absent_phrases
        )

    def _failed(self, said: _Said, *, writes: bool) -> Failure:
        """The outcome of a refusal: the settings' own meaning of a code, else the table of §2.5."""
        read = said.answer
        code = self._config.errors.get(read.primary_code or "", read.primary_code)
        if read.result in ("ambiguous", "retry", "mixed"):
            return Unknown(message=read.message, code=code) if writes else Busy(message=read.message, code=code)
        if code not in CODES and said.kind is not None:
            return Refused(kind=said.kind, owner=read.owner, message=read.message, code=code)
        return failure_of(ErpError(status=200, rule=rule_for(code), code=code, message=read.message), writes=writes)


def _own_part(said: _Said, unique: str) -> _Said:
    """What the answer says about our document alone, where it speaks of several (§2.2: one may fail, the next not)."""
    mine = next((part for part in said.answer.per_document if part.ref == unique), None)
    if mine is None or len(said.answer.per_document) < 2:
        return said
    read = msgspec.structs.replace(
        said.answer, result=mine.result, erp_number=mine.erp_number, primary_code=mine.primary_code
    )
    for block in list(blocks_of(said.result)):
        if attributes(block).get("uniqueid", unique) != unique:
            said.result.remove(block)
    return msgspec.structs.replace(said, answer=read)


def _unique(*parts: str) -> str:
    """The 8-character token the caller makes and Prima echoes (§2.3)."""
    return digest(*parts)[:8].upper()


def _unreadable(trouble: UnreadableError) -> Busy:
    return Busy(message="Prima's answer could not be read.", detail=str(trouble))
