"""Sentences after `when`: what the portal, the carrier, the warehouse, the shop, the ERP and people do."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.core.receipts import ReceiptKind
from counterfoil.testing.story_stage import Parcel, StoryStage
from counterfoil.testing.story_words import (
    AMOUNT,
    DOCUMENT,
    ITEMS,
    NUMBER,
    Act,
    NotUnderstoodError,
    Spoken,
    items,
    number,
    payments,
    swaps,
)
from counterfoil.testing.story_world import REASON, Ask

Build = Callable[[Spoken], Act]

_RECEIPT = r"(GR-\d+)"
_ASK = (
    rf"the portal (authorises|is asked for) {ITEMS}(?: because “(.+?)”)?(?:, as (store credit))?"
    rf"(?:, withholding {AMOUNT})?(?:, with {AMOUNT} of the shipping)?(?:, promising {AMOUNT})?"
    r"(?:, exchanging for (\d+ x .+? at [\d.]+))?(?:, paying back (.+))?"
)


def _ask(said: Spoken) -> Act:
    new, split = said.text(8), said.text(9)
    asked = Ask(
        items=items(said.text(2)),
        reason=said.text(3) or REASON,
        store_credit=bool(said.text(4)),
        fee=said.minor(5) or 0,
        shipping=said.minor(6) or 0,
        promises=said.minor(7),
        split=payments(split, said.currency) if split else (),
        review=said.text(1) == "is asked for",
        swaps=swaps(new, said.currency) if new else (),
    )
    return lambda stage: stage.ask(said.who, asked)


def _portal(verb: str) -> Build:
    return lambda said: lambda stage: stage.portal(said.who, verb)


def _edit(said: Spoken) -> Act:
    wanted = items(said.text(1))
    return lambda stage: stage.edit(said.who, wanted)


def _label(said: Spoken) -> Act:
    status = said.text(1).replace(" ", "_")
    return lambda stage: stage.label(said.who, status)


def _receives(said: Spoken) -> Act:
    """Counted and inspected at once: two messages, as a warehouse sends them."""
    receipt, found = said.text(1) or "GR-1", items(said.text(2))
    if any(item.disposition is None and not item.rejected for item in found):
        raise NotUnderstoodError("say what was found, like 1 x A sellable; else write `counts`")

    def act(stage: StoryStage) -> None:
        stage.warehouse(said.who, Parcel(kind=ReceiptKind.RECEIVED, receipt=receipt, items=found))
        stage.warehouse(said.who, Parcel(kind=ReceiptKind.INSPECTED, receipt=receipt, revision=2, items=found))

    return act


def _message(kind: ReceiptKind, *, revision: int | None = None) -> Build:
    def build(said: Spoken) -> Act:
        groups = said.words.groups()
        receipt = groups[0] or "GR-1" if groups else "GR-C"
        found = items(said.text(2)) if len(groups) > 1 else ()
        number_ = revision if revision is not None else int(said.text(3))
        return lambda stage: stage.warehouse(
            said.who, Parcel(kind=kind, receipt=receipt, revision=number_, items=found)
        )

    return build


def _empty_box(said: Spoken) -> Act:
    def act(stage: StoryStage) -> None:
        stage.warehouse(said.who, Parcel(kind=ReceiptKind.RECEIVED, receipt="GR-1"))
        stage.warehouse(said.who, Parcel(kind=ReceiptKind.CLOSED, receipt="GR-C"))

    return act


def _money(verb: str) -> Build:
    def build(said: Spoken) -> Act:
        amount = (said.minor(1) or 0) if said.words.groups() else 0
        return lambda stage: stage.money(verb, amount)

    return build


def _refuses(said: Spoken) -> Act:
    return lambda stage: stage.erp_refuses(said.text(1), said.text(2))


def _loses(said: Spoken) -> Act:
    return lambda stage: stage.erp_loses_answer(said.text(1))


def _accepts(said: Spoken) -> Act:
    return lambda stage: stage.accept(said.who, said.text(2), said.text(1), said.text(3))


def _answers(said: Spoken) -> Act:
    agreed = said.text(3) == "approves"
    return lambda stage: stage.approve(said.who, said.text(1), said.text(2), said.text(4) or "looked at", agreed=agreed)


def _retries(said: Spoken) -> Act:
    return lambda stage: stage.retry(said.who, said.text(1))


def _settles(said: Spoken) -> Act:
    return lambda stage: stage.settle(said.who, said.text(1), said.text(2))


def _maps(what: str) -> Build:
    return lambda said: lambda stage: stage.map_word(what, said.text(1), said.text(2))


def _restocks(said: Spoken) -> Act:
    found = items(said.text(1))
    return lambda stage: stage.erp_stocks(found)


def _portal_says(said: Spoken) -> Act:
    what, found = said.text(1), items(said.text(2))
    return lambda stage: stage.portal_says(said.who, what, found)


def _exchanges(said: Spoken) -> Act:
    wanted = swaps(said.text(1), said.currency)
    return lambda stage: stage.edit_exchange(said.who, wanted)


def _waits(said: Spoken) -> Act:
    hours = number(said.text(1))
    return lambda stage: stage.wait(hours)


SENTENCES: tuple[tuple[str, Build], ...] = (
    (_ASK, _ask),
    (r"the portal approves the request", _portal("approve")),
    (r"the portal cancels the return", _portal("cancel")),
    (r"the return expires", _portal("expire")),
    (r"the portal processes the return", _portal("process")),
    (r"the portal cannot process the return", _portal("fail")),
    (rf"the portal edits the return to {ITEMS}", _edit),
    (r"the portal edits the exchange to (\d+ x .+? at [\d.]+)", _exchanges),
    (r"the portal makes the exchange order at once", _portal("swap")),
    (r"the portal puts the new items on the original order", _portal("native")),
    (rf"{ITEMS} comes? into stock", _restocks),
    (rf"the portal (inspects|restocks) {ITEMS}", _portal_says),
    (r"the parcel is (in transit|delivered)", _label),
    (rf"the warehouse receives(?: {_RECEIPT}:)? {ITEMS}", _receives),
    (rf"the warehouse counts(?: {_RECEIPT}:)? {ITEMS}", _message(ReceiptKind.RECEIVED, revision=1)),
    (rf"the warehouse inspects(?: {_RECEIPT}:)? {ITEMS}", _message(ReceiptKind.INSPECTED, revision=2)),
    (rf"the warehouse corrects {_RECEIPT} to {ITEMS}, revision (\d+)", _message(ReceiptKind.INSPECTED)),
    (rf"the warehouse takes {_RECEIPT} back", _message(ReceiptKind.REVERSED, revision=9)),
    (r"the warehouse finds an empty box", _empty_box),
    (r"the warehouse closes the return", _message(ReceiptKind.CLOSED, revision=1)),
    (r"the shop holds its refunds back", _money("hold")),
    (r"the shop confirms the refunds", _money("confirm")),
    (r"the shop's refunds fail", _money("fail")),
    (r"the bank sends the refund back", _money("reverse")),
    (rf"the shop refunds {AMOUNT} by itself", _money("outside")),
    (rf"the customer's bank disputes {AMOUNT}", _money("disputed")),
    (r"the dispute is won", _money("won")),
    (r"the dispute is lost", _money("lost")),
    (rf"the shop confirms another {AMOUNT} for the return", _money("another")),
    (rf"the ERP will refuse the {DOCUMENT} as (\w+)", _refuses),
    (rf"the answer to the {DOCUMENT} will be lost", _loses),
    (r"(finance|ops|cx|integration) accepts (\w+) because “(.+)”", _accepts),
    (r"(\w+) of (\w+) (approves|refuses) the refund(?: because “(.+)”)?", _answers),
    (rf"the {DOCUMENT} is tried again", _retries),
    (rf"the {DOCUMENT} is made by hand as (\S+)", _settles),
    (r"the reason “(.+)” is mapped to (\S+)", _maps("reason")),
    (r"(\w+) goods are mapped to (\w+)", _maps("depot")),
    (rf"{NUMBER} hours? pass(?:es)?", _waits),
)
