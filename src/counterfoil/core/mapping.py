"""The words one system uses for another's: SKUs, reasons, depots, tax codes. Missing words are problems, never guesses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingType
from enum import StrEnum

import msgspec

SELLABLE = "sellable"


class MapKind(StrEnum):
    """What a word stands for. `RULE` holds the few settings that are no list: see `Mapping.words`."""

    REASON = "reason"
    SKU = "sku"
    DEPOT = "depot"
    DISPOSITION = "disposition"
    TAX_CODE = "tax_code"
    TENDER = "tender"
    ORDER_TYPE = "order_type"
    CATEGORY = "category"
    EXPECTED = "expected"
    RULE = "rule"


FOUR_EYES = frozenset(
    {MapKind.DEPOT, MapKind.DISPOSITION, MapKind.TAX_CODE, MapKind.TENDER, MapKind.CATEGORY, MapKind.RULE}
)
"""Kinds that move money or stock: one person proposes, another confirms."""

RULES = ("sku_identity", "quarantine_depot")
"""The words of kind `RULE`."""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a connection's mapping (R14–R35).

    * `skus`: shop SKU to ERP SKU; a SKU not named stands for itself when `sku_identity` is on.
    * `reasons`: portal reason to ERP reason code. No default.
    * `depots`: where goods land, by the keys "WAREHOUSE/disposition", "disposition", "reason:CODE"; a value of ""
      means written off: received, never stock.
    * `expected`: ERP reason code to the dispositions that agree with it; a code not named agrees with all (R72).
    * `quarantine_depot`: where units go whose depot is missing or contradictory (D8); None parks them.
    * `categories`: shop SKU to the merchant's item category, for rules that speak of categories (R75).
    * `tax_codes`: the order line's tax code to the one the ERP posts credits with; one not named stands for itself.
    * `dispositions`, `tenders`, `order_types`: our words for conditions, payment methods and kinds of order to the
      ERP's. They are kept, audited and counted here; adapters that need such words read their own configuration.
    """

    version: str = "1"
    sku_identity: bool = True
    skus: MappingType[str, str] = {}
    reasons: MappingType[str, str] = {}
    depots: MappingType[str, str] = {}
    quarantine_depot: str | None = None
    tax_codes: MappingType[str, str] = {}
    categories: MappingType[str, str] = {}
    expected: MappingType[str, tuple[str, ...]] = {}
    dispositions: MappingType[str, str] = {}
    tenders: MappingType[str, str] = {}
    order_types: MappingType[str, str] = {}

    def sku(self, shop_sku: str | None) -> str | None:
        """The ERP's SKU, or None when it is not mapped."""
        if shop_sku is None:
            return None
        return self.skus.get(shop_sku) or (shop_sku if self.sku_identity else None)

    def reason(self, reason: str | None) -> str | None:
        """The ERP's reason code, or None when it is not mapped. Case and outer blanks do not matter."""
        if reason is None:
            return None
        wanted = reason.strip().casefold()
        return next((code for word, code in self.reasons.items() if word.strip().casefold() == wanted), None)

    def depot(
        self, keys: tuple[str, ...], *, warehouse: str | None, disposition: str, reason_code: str | None
    ) -> str | None:
        """The depot by the ordered keys of D8, "" for written off, None when nothing fits."""
        for key in keys:
            match key:
                case "received_at+disposition":
                    word = f"{warehouse}/{disposition}"
                case "disposition":
                    word = disposition
                case "reason":
                    word = f"reason:{reason_code}"
                case "received_at":
                    word = f"{warehouse}/*"
                case _:
                    continue
            if word in self.depots:
                return self.depots[word]
        return None

    def contradicts(self, depot: str, disposition: str) -> bool:
        """Whether goods that may not be sold would land where sellable goods go (R64): one of the two words is wrong."""
        if disposition == SELLABLE or not depot:
            return False
        return any(place == depot and word.rsplit("/", 1)[-1] == SELLABLE for word, place in self.depots.items())

    def tax_code(self, code: str | None) -> str | None:
        """The tax code the ERP is given."""
        return self.tax_codes.get(code, code) if code is not None else None

    def of(self, kind: MapKind) -> MappingType[str, str]:
        """The words of one kind."""
        if kind is MapKind.RULE:
            quarantine = {"quarantine_depot": self.quarantine_depot} if self.quarantine_depot is not None else {}
            return {"sku_identity": "yes" if self.sku_identity else "no", **quarantine}
        if kind is MapKind.EXPECTED:
            return {code: ", ".join(found) for code, found in self.expected.items()}
        words: MappingType[str, str] = getattr(self, _FIELDS[kind])
        return words

    def words(self) -> Iterator[tuple[MapKind, str, str]]:
        """Every (kind, word, meaning)."""
        for kind in MapKind:
            for word, meaning in self.of(kind).items():
                yield kind, word, meaning

    def knows(self, kind: MapKind, word: str) -> bool:
        """Whether a word has a meaning, by the same rules a decision uses."""
        match kind:
            case MapKind.REASON:
                return self.reason(word) is not None
            case MapKind.SKU:
                return self.sku(word) is not None
            case MapKind.TAX_CODE:
                return True
            case MapKind.DISPOSITION | MapKind.TENDER | MapKind.ORDER_TYPE:
                return word in self.of(kind) or not self.of(kind)  # a list nobody keeps lacks nothing
            case _:
                return word in self.of(kind)

    def changed(self, kind: MapKind, word: str, meaning: str | None) -> Mapping:
        """The mapping with one word given another meaning, or taken away (None)."""
        rows = {(k, w): m for k, w, m in self.words()}
        rows.pop((kind, word), None)
        if meaning is not None:
            rows[kind, word] = meaning
        return from_words(((k, w, m) for (k, w), m in rows.items()), self.version)


_FIELDS = {
    MapKind.REASON: "reasons",
    MapKind.SKU: "skus",
    MapKind.DEPOT: "depots",
    MapKind.DISPOSITION: "dispositions",
    MapKind.TAX_CODE: "tax_codes",
    MapKind.TENDER: "tenders",
    MapKind.ORDER_TYPE: "order_types",
    MapKind.CATEGORY: "categories",
    MapKind.EXPECTED: "expected",
}


def from_words(words: Iterable[tuple[MapKind, str, str]], version: str) -> Mapping:
    """The mapping these words make. Without the word `sku_identity`, a SKU stands for itself."""
    tables: dict[str, dict[str, str]] = {name: {} for name in _FIELDS.values()}
    rules: dict[str, str] = {}
    for kind, word, meaning in words:
        (rules if kind is MapKind.RULE else tables[_FIELDS[kind]])[word] = meaning
    agreeing = tables.pop(_FIELDS[MapKind.EXPECTED])
    return Mapping(
        version=version,
        sku_identity=rules.get("sku_identity", "yes") == "yes",
        quarantine_depot=rules.get("quarantine_depot"),
        expected={code: tuple(part.strip() for part in text.split(",")) for code, text in agreeing.items()},
        **tables,
    )
