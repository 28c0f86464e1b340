"""The other commands from outside: what they print, how they exit, and that mistakes end in a sentence."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECRET = "loop-example-secret-7b1f"
SHEET_BODY = (
    rb'{"topic":"return","trigger":"return.closed","shop_id":12345,"id":"1673","state":"closed","customer_detail":'
    rb'{"first_name":"Zo\u00eb","last_name":"O'
    rb"'"
    rb'Neil"},"refund":"47.50","status_page_url":"https:\/\/example.loopreturns.com\/#\/return\/'
    rb'b3e4764e-7adf-4b8c-802a-553305b6db49"}'
)


def _signed(tmp_path: Path, body: bytes, secret: str = SECRET) -> tuple[str, str]:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    (tmp_path / "body.json").write_bytes(body)
    (tmp_path / "headers.json").write_text(json.dumps({"X-Loop-Signature": signature}))
    return str(tmp_path / "body.json"), str(tmp_path / "headers.json")


def test_translate_verifies_the_signature_of_the_sheet(program: Callable[..., Any], tmp_path: Path) -> None:
    assert len(SHEET_BODY) == 274
    body, headers = _signed(tmp_path, SHEET_BODY)
    assert "pnRQP6P6PuSYbXuxGzYqqBvb1qJqLWEpz2HtFHmtWjM=" in Path(headers).read_text()
    ran = program("translate", "loop", body, "--headers", headers, "--secret", SECRET)
    assert ran.status == 0
    found = ran.json
    assert (found["vendor"], found["signature"], found["kind"]) == ("loop", "valid", "return")
    assert (found["topic"], found["trigger"]) == ("return", "return.closed")
    assert found["return"]["return_id"] == "1673"


def test_translate_accepts_either_of_two_secrets_and_refuses_a_third(
    program: Callable[..., Any], tmp_path: Path
) -> None:
    body, headers = _signed(tmp_path, SHEET_BODY)
    both = program("translate", "loop", body, "--headers", headers, "--secret", "newer", "--secret", SECRET)
    assert (both.status, both.json["signature"]) == (0, "valid")
    wrong = program("translate", "loop", body, "--headers", headers, "--secret", "newer")
    assert (wrong.status, wrong.json["signature"]) == (1, "invalid")


def test_translate_reads_standard_input_and_says_what_it_cannot_read(program: Callable[..., Any]) -> None:
    ran = program("translate", "loop", stdin=b'{"topic":"return","id":')
    assert ran.status == 1
    assert ran.json["kind"] == "unreadable"
    assert ran.json["problems"][0]["owner"] == "integration"
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"[" * 100_000, b'{"a":NaN}', b'{"a":1,"a":2}', b"", b"\xef\xbb\xbf", b"null", b'"x"', b"1e400"],
)
@pytest.mark.parametrize("vendor", ["loop", "shopify", "warehouse"])
def test_the_awkward_shelf_ends_in_a_sentence(program: Callable[..., Any], vendor: str, body: bytes) -> None:
    ran = program("translate", vendor, stdin=body)
    assert ran.status in (0, 1)
    assert ran.json["vendor"] == vendor
    assert not ran.json["events"]
    assert "Traceback" not in ran.err


def test_an_unknown_vendor_is_named_with_those_we_know(program: Callable[..., Any]) -> None:
    ran = program("translate", "acme", stdin=b"{}")
    assert ran.status == 2
    assert "'acme' is no vendor we know; choose from" in ran.err


def test_a_missing_file_is_one_sentence(program: Callable[..., Any]) -> None:
    ran = program("translate", "loop", "nowhere.json")
    assert (ran.status, ran.err.strip()) == (2, "nowhere.json does not exist")


def test_init_writes_settings_that_parse_and_never_overwrites(program: Callable[..., Any], tmp_path: Path) -> None:
    assert program("init", "mine.toml").status == 0
    settings = tomllib.loads((tmp_path / "mine.toml").read_text())
    assert {item["vendor"] for item in settings["connection"]} >= {"loop", "shopify", "prima", "netsuite", "warehouse"}
    again = program("init", "mine.toml")
    assert again.status == 2
    assert "exists already" in again.err


def test_settings_with_a_mistake_name_the_place(program: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        '[[connection]]\nname = "x"\nbrand = "b"\nvendor = "loop"\nconfig = {colour = 1}\n'
    )
    ran = program("migrate", "-c", "bad.toml")
    assert ran.status == 2
    assert "connection x: Loop Returns has no setting 'colour'" in ran.err
    assert program("migrate", "-c", "none.toml").status == 2


def test_migrate_check_and_audit_on_a_new_database(program: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "counterfoil.toml").write_text('data_dir = "data"\n')
    behind = program("check")
    assert behind.status == 1
    assert "run counterfoil migrate" in behind.out
    assert "applied" in program("migrate").out
    assert "nothing to do" in program("migrate").out
    assert program("check").status == 0
    assert "0 entries" in program("audit", "verify").out


def test_a_simulator_runs_until_it_is_told_to_stop() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "sim", "prima", "--port", "0"], stdout=subprocess.PIPE, env={**os.environ}
    )
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    assert line["vendor"] == "prima"
    with urllib.request.urlopen(f"{line['listening']}/__sim/state", timeout=10) as answer:
        assert "documents" in json.load(answer)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    process.stdout.close()


def test_every_command_explains_itself(program: Callable[..., Any]) -> None:
    listed = program("--help").out
    for command in ("translate", "price", "sim", "demo", "init", "serve", "worker", "migrate", "check", "audit"):
        assert command in listed
        assert program(command, "--help").status == 0
