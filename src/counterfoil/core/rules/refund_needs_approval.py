"""Once the facts are there, the people the policy names must agree to the money (R75, R76, D4)."""

from __future__ import annotations

from counterfoil.core.consent import Wanted, wanted
from counterfoil.core.look import Look
from counterfoil.core.money import to_text
from counterfoil.core.phrases import number_of
from counterfoil.core.problems import Problem
from counterfoil.core.rules.verdict import Hold, Pass, Person, Verdict


def judge(look: Look) -> Verdict:
    """Open when no rule asks for people, or enough of them agreed on exactly these terms."""
    if look.case.money_out:
        return Pass("the money has left already; whether anybody agreed is told apart")
    wishes = wanted(look)
    refused = next((wish for wish in wishes if wish.refused), None)
    if refused is not None:
        return Person(_refusal(refused))
    waiting = next((wish for wish in wishes if not wish.met), None)
    if waiting is not None:
        who = " or ".join(waiting.approvers)
        people = number_of(waiting.missing, "more person") if waiting.given else number_of(waiting.people, "person")
        return Hold(f"{people} of {who} agree{'s' if waiting.missing == 1 else ''} to it ({waiting.because})")
    if not wishes:
        return Pass("the policy asks nobody to agree")
    names = sorted({voice.by for wish in wishes for voice in wish.given})
    return Pass(f"{' and '.join(names)} agreed")


def _refusal(wish: Wanted) -> Problem:
    voice = wish.refused[-1]
    amount = f"{to_text(wish.terms.amount, wish.terms.currency)} {wish.terms.currency}"
    return Problem(
        kind="refund_refused",
        message=f"{voice.by} refused to pay {amount}: {voice.reason}.",
        amount=wish.terms.amount,
        currency=wish.terms.currency,
    )
