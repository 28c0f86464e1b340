"""What moved between two runs adds up, whatever became of each record."""

from __future__ import annotations

import random

from counterfoil.closing.figures import Figure, Open, causes, difference, faults, roll

LEG = "refund_credit_note"


def lines(figures: list[Figure]) -> dict[str, tuple[int, int]]:
    return {figure.line: (figure.records, figure.minor) for figure in figures}


def an(record: str, exposure: int, unit: str = "GBP") -> Open:
    return Open(LEG, record, unit, exposure)


def test_each_way_a_record_can_go_has_its_line() -> None:
    before = [an("L:tied", 1000), an("L:hand", 300), an("L:off", 50), an("R:gone", 700), an("L:stays", 200)]
    now = [an("L:stays", 250), an("L:new", 400)]
    there = {f"{LEG}:L": {"tied", "hand", "off", "stays"}, f"{LEG}:R": set[str]()}
    moved = lines(roll(before, now, {(LEG, "off"): 50}, {(LEG, "hand")}, there))
    assert moved == {
        "opening": (5, 2250),
        "new": (1, 450),
        "matched": (2, 1300),
        "by_hand": (1, 300),
        "adjusted": (1, 50),
        "withdrawn": (1, 700),
        "closing": (2, 650),
    }


def test_a_difference_that_shrinks_is_matched_by_as_much_and_one_that_grows_is_new_by_as_much() -> None:
    there = {f"{LEG}:L": {"a", "b"}}
    moved = lines(roll([an("L:a", 500), an("L:b", 100)], [an("L:a", 200), an("L:b", 150)], {}, set(), there))
    assert (moved["matched"], moved["new"]) == ((0, 300), (0, 50))


def test_what_was_written_off_and_tied_besides_is_told_apart() -> None:
    moved = lines(roll([an("L:a", 500)], [], {(LEG, "a"): 20}, set(), {f"{LEG}:L": {"a"}}))
    assert (moved["adjusted"], moved["matched"]) == ((0, 20), (1, 480))


def test_movements_add_up_over_many_random_nights() -> None:
    dice = random.Random(52)
    before: list[Open] = []
    for _ in range(200):
        names = {f"{side}:{dice.randrange(12)}" for side in "LR" for _ in range(8)}
        now = [an(name, dice.choice((0, 1, 250, 999)), dice.choice(("GBP", "EUR"))) for name in sorted(names)]
        there = {f"{LEG}:{side}": {str(n) for n in range(12) if dice.random() < 0.7} for side in "LR"}
        off = {(LEG, str(n)): dice.randrange(1, 600) for n in range(12) if dice.random() < 0.2}
        hand = {(LEG, str(n)) for n in range(12) if dice.random() < 0.2}
        found = roll(before, now, off, hand, there)
        assert [fault for fault in faults(found) if "moved" in fault] == []
        before = now


def test_causes_are_signed_and_checked_against_what_the_sides_differ_by() -> None:
    items = [
        {
            "leg": LEG,
            "unit": "GBP",
            "class": kind,
            "reason": reason,
            "difference_minor": difference(kind, variance, amount),
        }
        for kind, reason, variance, amount in (
            ("missing_right", None, -700, 700),
            ("missing_left", None, 300, 300),
            ("variance", "shipping", -495, 2000),
            ("in_transit", None, -90, 90),
        )
    ]
    found = causes(items)
    assert lines(found)["cause:shipping"] == (1, -495)
    sides = [Figure(LEG, "GBP", "left", 4, 9000), Figure(LEG, "GBP", "right", 3, 8015)]
    assert faults([*found, *sides]) == []
    wrong = [sides[0], Figure(LEG, "GBP", "right", 3, 8016)]
    assert faults([*found, *wrong]) == [f"{LEG} GBP: the causes add up to -985 minor units, the sides differ by -984"]


def test_a_record_that_was_lost_on_the_way_shows() -> None:
    found = [Figure(LEG, "GBP", "opening", 2, 900), Figure(LEG, "GBP", "closing", 1, 900)]
    assert faults(found) == [f"{LEG} GBP: what moved leads to 2 records, 1 are open"]
