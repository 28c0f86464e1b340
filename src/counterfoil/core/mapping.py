"""The words one system uses for another's: SKUs, reasons, depots, tax codes. Missing words are problems, never guesses."""

from __future__ import annotations

from collections.abc import Mapping as MappingType

import msgspec

SELLABLE = "sellable"


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a connection's mapping (R14–R35).

    * `skus`: shop SKU to ERP SKU; a SKU not named stands for itself when `sku_identity` is on.
    * `reasons`: portal reason to ERP reason code. No default.
    * `depots`: where goods land, by the keys "WAREHOUSE/disposition", "disposition", "reason:CODE"; a value of ""
      means written off: received, never stock.
    * `expected`: ERP reason code to the dispositions that agree with it; a code not named agrees with all (R72).
    * `quarantine_depot`: where units go whose depot is missing or contradictory (D8); None parks them.
    * `tax_codes`: passed to the ERP where it wants one.
    * `categories`: shop SKU to the merchant's item category, for rules that speak of categories (R75).
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
