"""Refusals as RFC 9457 problem bodies: what kind, in a word a program can test, and a sentence for a person."""

from __future__ import annotations

import json
from http import HTTPStatus

from django.http import HttpResponse

PREFIX = "/api/"


class Refusal(Exception):
    """The call is not carried out; `word` is for programs, the detail one sentence for people."""

    def __init__(self, status: int, word: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.word, self.detail = status, word, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(self) -> HttpResponse:
        """The body."""
        return refused(self.status, self.word, self.detail, self.headers)


def refused(status: int, word: str, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """A problem body."""
    answer = HttpResponse(body(status, word, detail), status=status, content_type="application/problem+json")
    answer["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        answer[name] = value
    return answer


def body(status: int, word: str, detail: str) -> str:
    """The text of a problem body; its type is a name of ours, not an address to be fetched."""
    document = {
        "type": f"urn:counterfoil:problem:{word}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return json.dumps(document, ensure_ascii=False)
