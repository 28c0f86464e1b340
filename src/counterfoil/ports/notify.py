"""Who is told what outside the console: by e-mail, and by signed webhook (Standard Webhooks). Part of the settings."""

from __future__ import annotations

from typing import Annotated

import msgspec

Address = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system outside that is told of every exception. `secret` begins with whsec_."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://")]
    secret: Annotated[str, msgspec.Meta(pattern=r"^whsec_")]


class Smtp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mail server. `security` is starttls, tls or none."""

    host: str
    port: int = 587
    user: str = ""
    password: str = ""
    security: Annotated[str, msgspec.Meta(pattern="^(starttls|tls|none)$")] = "starttls"


class Notify(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about telling people and systems.

    `people` maps user names to addresses; `teams` maps finance, ops, cx and integration to addresses that get the
    digest each day at `digest_hour_utc`. Without `smtp` no mail is made.
    """

    sender: Address = "counterfoil@localhost"
    smtp: Smtp | None = None
    people: dict[str, Address] = {}
    teams: dict[str, tuple[Address, ...]] = {}
    digest_hour_utc: Annotated[int, msgspec.Meta(ge=0, le=23)] = 7
    webhook: tuple[Webhook, ...] = ()
