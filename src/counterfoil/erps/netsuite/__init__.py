"""NetSuite over the SuiteTalk record service and SuiteQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.translate import translate
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import Family, VendorSpec

if TYPE_CHECKING:
    from counterfoil.ports.vendors import ErpClient


def capabilities(config: NetSuiteConfig) -> frozenset[Cap]:
    """What this account lets us do. A credit memo cannot be kept back as a draft: saving it posts it."""
    always = {
        Cap.READ_ORDER,
        Cap.CREATE_RETURN,
        Cap.CANCEL_RETURN,
        Cap.STORE_TRACKING,
        Cap.RECEIVE,
        Cap.POST_CREDIT,
        Cap.RECORD_REFUND,
        Cap.CHECK_STOCK,
        Cap.CREATE_EXCHANGE,
        Cap.RELEASE_EXCHANGE,
        Cap.CANCEL_EXCHANGE,
        Cap.READ_BACK,
    }
    return frozenset(always | {Cap.REVERSE_RECEIPT} if config.allow_receipt_deletion else always)


def build(config: NetSuiteConfig) -> ErpClient:
    """Open a client. Raises ValueError with a sentence when the login is not configured properly."""
    from counterfoil.erps.netsuite.client import NetSuiteClient

    return NetSuiteClient(config)


def document_url(config: NetSuiteConfig, kind: str, ref: str) -> str | None:
    """The address of a document in NetSuite's own pages; of the first where a step made several."""
    first = ref.split(",", 1)[0]
    return config.link(first) if first else None


SPEC = VendorSpec(
    name="netsuite",
    title="Oracle NetSuite",
    family=Family.ERP,
    config=NetSuiteConfig,
    translate=translate,
    capabilities=capabilities,
    build=build,
    secrets=("private_key", "consumer_secret", "token_secret"),
    personal_fields=(
        "entity.refName",
        "customer.refName",
        "email",
        "memo",
        "message",
        "billingAddress",
        "shippingAddress",
        "billAddress",
        "shipAddress",
    ),
    document_url=document_url,
    sim="counterfoil.erps.netsuite.sim",
    notes={"draft_credit": "REST has no draft of a credit memo; NOTES 2026-11-20"},
)
