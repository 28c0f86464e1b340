"""What the API hears: bodies of writes. Fields nobody knows are refused, so that a misspelt name is told."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Version = Annotated[int, Meta(ge=1)]


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every body is: unknown fields are refused."""


class Assign(Said, frozen=True, kw_only=True):
    """Give an exception to a person; null gives it back to the team."""

    version: Version
    to: Annotated[str, Meta(min_length=1, max_length=150)] | None


class Comment(Said, frozen=True, kw_only=True):
    """Say something; @names are told."""

    text: Annotated[str, Meta(min_length=1)]


class Snooze(Said, frozen=True, kw_only=True):
    """Let it rest until a moment (RFC 3339), or until goods, news, or its connection works, whichever is sooner."""

    version: Version
    until: Annotated[str, Meta(max_length=40)]
    or_when: Annotated[str, Meta(pattern="^(goods|news|connection)$")] | None = None


class Nothing(Said, frozen=True, kw_only=True):
    """An empty object."""


class VersionReason(Said, frozen=True, kw_only=True):
    """The version that was read, and why."""

    version: Version
    reason: Reason


class Settle(Said, frozen=True, kw_only=True):
    """A person made the document; its number there."""

    version: Version
    reason: Reason
    number: Name


class Answer(Said, frozen=True, kw_only=True):
    """Agree to a refund or refuse it; `amount` is what the person was shown."""

    case_id: Name
    rule: Name
    amount: Annotated[str, Meta(max_length=40)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    agreed: bool
    reason: Reason


class CauseNamed(Said, frozen=True, kw_only=True):
    """A cause, and for a missing word the portal and the meaning it is to have."""

    brand: Name
    cause: Annotated[str, Meta(min_length=1, max_length=600)]
    portal: str = ""
    meaning: Annotated[str, Meta(max_length=500)] | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class WordChange(Said, frozen=True, kw_only=True):
    """A word and its meaning; null takes it away."""

    brand: Name
    portal: Name
    kind: Name
    word: Name
    meaning: Annotated[str, Meta(max_length=500)] | None
    reason: Reason


class Decide(Said, frozen=True, kw_only=True):
    """Confirm or refuse what somebody else proposed."""

    confirmed: bool


class Because(Said, frozen=True, kw_only=True):
    """Why."""

    reason: Reason


class StepChange(Said, frozen=True, kw_only=True):
    """Changes of a refused command, by path."""

    case_id: Name
    step: Name
    wanted: dict[str, str]
    reason: Annotated[str, Meta(max_length=500)] = ""
