"""R30: reasons that collapse into one bucket raise an alarm; honest ones do not."""

from __future__ import annotations

from counterfoil.core.catchall import catch_all

MEANINGS = {"Too small": "FIT", "Smoke": "OTHER", "Dirty": "other", "Late": "OTHER"}


def test_a_code_called_other_raises_an_alarm_above_its_share() -> None:
    (bucket,) = catch_all({"Too small": 80, "Smoke": 15, "Late": 5}, MEANINGS)
    assert (bucket.code, bucket.percent, bucket.returns, bucket.words) == ("OTHER", 20, 20, ("Smoke", "Late"))


def test_at_its_share_it_stays_quiet() -> None:
    assert catch_all({"Too small": 85, "Smoke": 15}, MEANINGS) == ()


def test_a_common_honest_code_is_no_catch_all() -> None:
    assert catch_all({"Too small": 100}, MEANINGS) == ()


def test_many_words_that_end_in_one_code_are_a_catch_all_whatever_it_is_called() -> None:
    words = {f"Reason {n}": 10 for n in range(4)}
    (bucket,) = catch_all({**words, "Too small": 40}, {**dict.fromkeys(words, "X7"), "Too small": "FIT"})
    assert (bucket.code, bucket.percent) == ("X7", 50)
    assert catch_all({"Reason 0": 10, "Reason 1": 10, "Too small": 40}, {"Reason 0": "X7", "Reason 1": "X7"}) == ()


def test_a_few_returns_say_nothing() -> None:
    assert catch_all({"Smoke": 19}, MEANINGS) == ()
