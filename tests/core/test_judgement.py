"""Every verdict on a refund can be read, and worked out again from the log; a rule that breaks keeps the gate shut."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from scenes import after, look_after, requested, with_case, with_policy

from counterfoil.core.decide import decide
from counterfoil.core.judgement import Judgement, Verdict, judge, recompute
from counterfoil.core.look import Look
from counterfoil.core.policy import ApprovalRule
from counterfoil.core.returns import Stage
from counterfoil.core.rules import gate
from counterfoil.core.rules.verdict import Person
from counterfoil.testing.stories import Story, play, read_stories
from counterfoil.testing.story_core import CoreStage

STORIES = read_stories(Path(__file__).parents[1] / "stories")
WHOLE = ("the portal authorises 2 x A", "the warehouse receives 2 x A sellable")
DEAR = ApprovalRule(value_above=3000, currency="GBP")
NAMES = [name for name, _ in gate.RULES]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_judgement_of_a_story_is_the_same_when_worked_out_again(story: Story) -> None:
    stage = CoreStage(story.given)
    play(story, stage)
    logs = {kept.case.case_id: [entry.fact for entry in kept.log] for kept in stage.books().returns}
    assert stage.judged
    for record, look in stage.judged:
        again = recompute(record, logs[record.case_id], look.agreement, look.mapping)
        assert again == record.judgement


def test_a_judgement_that_saw_less_of_the_log_is_another() -> None:
    stage = after(*WHOLE)
    facts = [entry.fact for entry in stage.books().returns[0].log]
    record, look = stage.judged[-1]
    assert recompute(replace(record, seq=1), facts, look.agreement, look.mapping) != record.judgement
    assert recompute(replace(record, seq=0), facts, look.agreement, look.mapping) is None
    strict = replace(look.agreement, policy=replace(look.policy, version="2"))
    assert recompute(record, facts, strict, look.mapping) != record.judgement


def test_the_way_of_a_return_is_a_row_of_verdicts_each_with_what_would_change_it() -> None:
    stage = after("the portal is asked for 2 x A", "the portal approves the request", *WHOLE[1:])
    told = [(record.judgement.verdict, record.judgement.rule) for record, _ in stage.judged]
    assert told[0] == (Verdict.HOLD, "return_is_authorised")
    assert told[-1] == (Verdict.ALLOW, "")
    assert [rule for _, rule in told[1:-1]] == ["refund_needs_receipt", "refund_needs_inspection"]
    waiting = stage.judged[1][0].judgement
    assert "come in" in waiting.next_fact
    assert all(record.judgement.policy_name == "controlled" for record, _ in stage.judged)


def test_a_judgement_names_every_rule_and_the_figures_it_leaned_on() -> None:
    judgement = judge(look_after(*WHOLE))
    assert [answer.rule for answer in judgement.answers] == NAMES
    facts = {leaned.name: leaned.value for leaned in judgement.facts}
    assert facts["worth by the original order"] == "40.00 GBP"
    assert facts["the order was worth"] == "79.95 GBP"


def test_a_deny_says_who_can_end_it() -> None:
    look = look_after("the customer's bank disputes 10.00", *WHOLE)
    judgement = judge(look)
    assert (judgement.verdict, judgement.rule) == (Verdict.DENY, "refund_not_disputed")
    assert judgement.next_fact == "finance ends “Refund of a disputed payment”"


def test_a_figure_that_cannot_be_put_into_words_does_not_stop_the_judgement() -> None:
    look = look_after(*WHOLE)
    assert look.case.order is not None
    broken = with_case(look, order=replace(look.case.order, shipping=(None,)))  # type: ignore[arg-type]
    judgement = judge(broken)
    assert judgement.verdict is Verdict.DENY
    assert "could not" in judgement.facts[0].value


# --- G20: an error inside any gate holds the refund

ERRORS = (ValueError("odd"), KeyError("gone"), ZeroDivisionError("by nothing"), RecursionError("deep"), OSError("disk"))


def held(look: Look) -> Judgement:
    judgement = judge(look)
    assert judgement.verdict is Verdict.DENY
    return judgement


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", NAMES)
def test_an_error_inside_a_gate_holds_the_refund_and_is_told(
    name: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(look: Look) -> None:
        raise error

    rules = tuple((known, breaks if known == name else rule) for known, rule in gate.RULES)
    monkeypatch.setattr(gate, "RULES", rules)
    for drafts in (True, False):
        stage = after(*WHOLE, drafts=drafts)
        assert stage.told("release") == 0
        assert stage.documents("credit note") == ()
        look = stage.look("R1")
        assert (held(look).rule, "gate_failed") == (name, decide(look).problems[0].kind)
        assert type(error).__name__ in decide(look).problems[0].message


@pytest.mark.parametrize("name", NAMES)
def test_an_error_between_the_draft_and_the_release_holds_the_refund_too(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = look_after(*WHOLE)
    steps = {step: known for step, known in look.case.steps.items() if step not in ("release-1", "credit-1")}
    drafted = with_case(look, steps=steps, refunds=(), stage=Stage.AUTHORISED)
    assert requested(drafted) == ["ReleaseRefund"]

    def breaks(seen: Look) -> None:
        raise ValueError("odd")

    rules = tuple((known, breaks if known == name else rule) for known, rule in gate.RULES)
    monkeypatch.setattr(gate, "RULES", rules)
    assert requested(drafted) == []
    assert [problem.subject for problem in decide(drafted).problems] == [name]


def test_an_error_in_the_question_who_waives_a_gate_does_not_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(look: Look) -> None:
        raise ValueError("odd")

    look = with_policy(look_after(*WHOLE[:1]), approvals=(replace(DEAR, waives_gate="refund_needs_receipt"),))
    monkeypatch.setattr(gate, "wanted", breaks)
    (last,) = gate.gate(look)[-1:]
    assert last.rule == "refund_needs_receipt" and not isinstance(last.verdict, Person)
