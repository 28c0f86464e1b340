"""Authorised calls to one account: reading records, asking SuiteQL, sending writes.

Reads raise StoppedError with the outcome; writes hand back the verdict, because what a refusal means depends on what
was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from counterfoil.adapterkit.http import Answered, Http
from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.auth import Login, StoppedError
from counterfoil.erps.netsuite.errors import Meaning, Verdict, classify, outcome_of
from counterfoil.ports.outcomes import Busy, Refused

PAGE_ROWS_MAX = 1000  # what SuiteQL allows (NetSuite sheet §12)


class Session:
    """A connection with a login; safe for several threads."""

    def __init__(self, http: Http, login: Login) -> None:
        self._http = http
        self._login = login

    def close(self) -> None:
        """Release sockets."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        writes: bool,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request; a 401 gets a new token once, a 403 one more try (it has been seen to pass, §2.4).

        Both answers come before anything is written, so the second try is safe. Raises StoppedError when nothing
        came back.
        """
        url = self._http.base_url + path + (f"?{urlencode(params)}" if params else "")
        content = wire.encode(body) if body is not None else None
        answer, proof = self._once(method, url, content, headers, writes=writes)
        if answer.status == 403 or (answer.status == 401 and self._login.renew(proof)):
            answer, _ = self._once(method, url, content, headers, writes=writes)
        return answer

    def _once(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str] | None, *, writes: bool
    ) -> tuple[Answered, str]:
        proof = self._login.authorise(method, url)
        sent = {**(headers or {}), "authorization": proof}
        answer = self._http.call(method, url, writes=writes, content=content, headers=sent)
        if not isinstance(answer, Answered):
            raise StoppedError(answer)
        return answer, proof

    def read(self, path: str, *, params: Mapping[str, str] | None = None, missing: str = "record_not_found") -> Fields:
        """One record. Raises StoppedError, with a Refused of kind `missing` when it is not there."""
        found = self.seek(path, params=params)
        if found is None:
            raise StoppedError(Refused(message=f"NetSuite has no {path.rpartition('/v1/')[2]}.", kind=missing))
        return found

    def seek(self, path: str, *, params: Mapping[str, str] | None = None) -> Fields | None:
        """One record, or None when NetSuite says that there is none."""
        answer = self.call("GET", path, writes=False, params=params)
        verdict = classify(answer.status, answer.headers, answer.body)
        if verdict.meaning is Meaning.NOT_FOUND:
            return None
        if verdict.meaning is not Meaning.OK:
            raise StoppedError(outcome_of(verdict, writes=False))
        return _readable(answer, path)

    def record(self, record_type: str, record_id: str, *, missing: str = "record_not_found") -> Fields:
        """One transaction with its lines, by internal id."""
        return self.read(f"{wire.RECORDS}/{record_type}/{record_id}", params=wire.EXPANDED, missing=missing)

    def by_external_id(self, record_type: str, external_id: str) -> Fields | None:
        """One transaction with its lines, by our external id."""
        return self.seek(f"{wire.RECORDS}/{record_type}/{wire.eid(external_id)}", params=wire.EXPANDED)

    def rows(self, sql: str, limit: int = PAGE_ROWS_MAX) -> list[Fields]:
        """The first rows of a SuiteQL query."""
        answer = self.call(
            "POST",
            wire.SUITEQL,
            writes=False,
            params={"limit": str(limit), "offset": "0"},
            body={"q": sql},
            headers={"content-type": "application/json", "prefer": "transient"},
        )
        verdict = classify(answer.status, answer.headers, answer.body)
        if verdict.meaning is not Meaning.OK:
            raise StoppedError(outcome_of(verdict, writes=False))
        try:
            return list(_readable(answer, "suiteql").each("items"))
        except UnreadableError as error:
            raise StoppedError(_cut(error)) from error

    def every_row(self, sql: str, page_rows: int = 500) -> Iterator[list[Fields]]:
        """All rows of a query, page by page along the id (§12): `sql` has `{last}` and ends with ORDER BY the id."""
        last = "0"
        while True:
            page = self.rows(sql.replace("{last}", last), limit=page_rows)
            if page:
                yield page
            if len(page) < page_rows:
                return
            last = page[-1].need("id")

    def write(self, method: str, path: str, *, body: Any = None, params: Mapping[str, str] | None = None) -> Verdict:
        """Send a write and say what the answer means. Raises StoppedError when nothing came back."""
        _check_lines(method, body, params or {})
        answer = self.call(method, path, writes=True, params=params, body=body, headers=wire.WRITE_HEADERS)
        return classify(answer.status, answer.headers, answer.body)


def _check_lines(method: str, body: Any, params: Mapping[str, str]) -> None:
    """A change of a record must not add its lines a second time (§3).

    Lines without their key are appended on every PATCH and PUT, so each has its key or the sublist is replaced.
    """
    if method not in ("PATCH", "PUT") or not isinstance(body, Mapping):
        return
    replaced = params.get("replace", "").split(",")
    for name, value in body.items():
        rows = value.get("items") if isinstance(value, Mapping) else None
        keyed = all("line" in row for row in rows or ())
        assert keyed or name in replaced, f"{name}: lines without a key would be added again; replace them"


def _readable(answer: Answered, path: str) -> Fields:
    try:
        return read_object(answer.body)
    except UnreadableError as error:
        raise StoppedError(_cut(error)) from error


def _cut(error: UnreadableError) -> Busy:
    return Busy(message="NetSuite's answer cannot be read; we ask again.", detail=str(error))
