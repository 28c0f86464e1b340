"""The awkward shelf: bodies no system should send and some do. Each is refused with a sentence; none costs the process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

DEPTH = 200_000
HUGE_BYTES = 50 * 1024 * 1024
_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><r>&i;</r>"
)

SHELF: Mapping[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t ",
    "a null byte": b"\x00",
    "null": b"null",
    "a bare number": b"42",
    "a bare text": b'"robin"',
    "a list of nothing known": b'[[[]], "x", 7]',
    "an object of nothing known": b'{"unexpected": {"deeply": ["odd"]}}',
    "200,000 open lists": b"[" * DEPTH,
    "200,000 nested objects": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "200,000 nested elements": b"<a>" * DEPTH + b"</a>" * DEPTH,
    "NaN": b'{"id": NaN, "amount": NaN}',
    "Infinity": b'{"id": 1, "amount": -Infinity}',
    "1e400": b'{"id": 1e400, "amount": 1e400, "total": 1e400}',
    "an exponent nobody can hold": b'{"amount": 1e999999999}',
    "an exponent of twenty digits": b'{"amount": 1e99999999999999999999}',
    "100,000 digits": b'{"amount": ' + b"9" * 100_000 + b"}",
    "a key twice": b'{"id": "1", "id": "2"}',
    "bytes that are not UTF-8": b'{"id": "\xc3\x28", "name": "\xff\xfe"}',
    "ISO-8859-1 without saying so": '{"id": "1", "name": "Zoë Exämple"}'.encode("latin-1"),
    "UTF-16": '{"id": "1"}'.encode("utf-16"),
    "half a surrogate pair": b'{"id": "\\ud800"}',
    "a byte order mark and rubbish": b"\xef\xbb\xbf{",
    "JSON and something after it": b'{"id": "1"} {"id": "2"}',
    "a comment": b'{"id": "1" /* robin */}',
    "a page of HTML": b"<!doctype html><html><body><h1>Bad gateway</h1></body></html>",
    "an external entity": b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r>&x;</r>',
    "an entity bomb": _BOMB.encode(),
    "XML in ISO-8859-1 without saying so": "<Result><Message>Zoë Exämple</Message></Result>".encode("latin-1"),
    "XML cut off": b'<?xml version="1.0"?><Result><Order',
    "a form": b"id=1&amount=10.00",
    "gzip": bytes.fromhex("1f8b0800000000000003ab564a54b2520a4a4d2c4e51d2514a04f200000000ffff"),
}

PLAIN = (
    "nothing",
    "blanks",
    "null",
    "a bare number",
    "a bare text",
    "a list of nothing known",
    "an object of nothing known",
)
"""Sound bodies without meaning: behind a 2xx they may stand for a plain yes, as long as nothing is taken from them."""


def huge() -> Iterator[tuple[str, bytes]]:
    """Bodies of 50 MB; made when asked for."""
    yield "50 MB in one text", b'{"id": "' + b"x" * HUGE_BYTES + b'"}'
    yield "50 MB of small objects", b"[" + b'{"a":1},' * (HUGE_BYTES // 8) + b"{}]"
