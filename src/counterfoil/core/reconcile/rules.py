"""The rules that join two records, strongest first; each sees only what those before it left open (matching §2, §6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["final", "proposed"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's name in the outputs, the sentence that explains it, and whether its matches stand by themselves.

    A proposed match is shown and counted, and is final only when a person or the policy accepts it (matching §6).
    """

    name: str
    why: str
    standing: Standing = "final"


KEY = Rule("key", "The reference is the record's own id.")
GATEWAY_ID = Rule("gateway_id", "The portal recorded this gateway transaction.")
NORMALISED_KEY = Rule("normalised_key", "The reference is the record's id, written differently.")
RETURN_KEY = Rule("return_key", "The reference names the return of this one refund.")
ORDER_AMOUNT = Rule("order_amount", "The order and the amount agree, and nothing else of the order does.")
GROUP_SUM = Rule("group_sum", "One record for several: together they make its amount exactly.")
REFERENCE_TYPO = Rule("reference_typo", "The reference is mistyped")
AMOUNT_DATE = Rule("amount_date_window", "No reference; the only two records of this amount in these days.", "proposed")
UNIT_DATE = Rule("amount_date_window", "No reference; the only two records of this SKU in these days.", "proposed")
UNIT_PARTS = Rule(
    "amount_date_window", "No reference; the only records of this SKU in these days, equal together.", "proposed"
)
ORDER_ONLY = Rule("order_only", "The order agrees and nothing else of it is open; the amount does not.")
REPEATED = Rule("repeated", "It repeats a record that is matched already.")
GROUP_SUBSET = Rule("group_subset", "The only selection of open records that makes its amount.", "proposed")

CASCADE: tuple[Rule, ...] = (
    KEY,
    GATEWAY_ID,
    NORMALISED_KEY,
    RETURN_KEY,
    ORDER_AMOUNT,
    GROUP_SUM,
    REFERENCE_TYPO,
    AMOUNT_DATE,
    ORDER_ONLY,
    REPEATED,
    GROUP_SUBSET,
)

# What a rule may believe.
TYPO_EDITS_MAX = 2
EARLY_DAYS_MAX = 3  # clocks and time zones: a right record may be dated a little before its left one
WINDOW_DAYS_AFTER = 62  # two closes; what comes later than that is not believed without a reference
PLAUSIBLE_PERCENT = 35  # how far a hand-typed amount may be off
LUCK_MAX_PERMILLE = 10  # chance of an accidental partner above which an amount alone proves nothing
SLIP_LENGTH_MIN_UNITS = 5  # SKU, shop, units and days agree as well
KEY_LENGTH_MIN = 6  # shorter ids are too common to be found inside a longer text
RIVAL_ODDS = 500  # a partner so many times less likely than another, by its days, is no rival of it
