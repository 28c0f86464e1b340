"""Raw deliveries are sealed: unreadable without the master key, and any change to them is noticed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.store.vault import Vault, master_key

VAULT = Vault(bytes(range(32)))
CLEAR = b'{"email":"robin@example.com"}'


def test_what_was_sealed_opens_again_and_shows_nothing_meanwhile() -> None:
    sealed, key = VAULT.seal(CLEAR)
    assert VAULT.open(sealed, key) == CLEAR
    assert b"robin" not in sealed + key


def test_empty_bytes_can_be_kept() -> None:
    assert VAULT.open(*VAULT.seal(b"")) == b""


def test_the_same_bytes_never_look_the_same_twice() -> None:
    first, second = VAULT.seal(CLEAR), VAULT.seal(CLEAR)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_another_master_key_opens_nothing() -> None:
    with pytest.raises(InvalidTag):
        Vault(bytes(32)).open(*VAULT.seal(CLEAR))


def test_the_key_of_one_delivery_does_not_open_another() -> None:
    first, second = VAULT.seal(CLEAR), VAULT.seal(CLEAR)
    with pytest.raises(InvalidTag):
        VAULT.open(first[0], second[1])


@settings(max_examples=200, deadline=None, database=None)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), in_key=st.booleans())
def test_a_single_changed_bit_is_noticed(place: int, bit: int, in_key: bool) -> None:
    sealed, key = (bytearray(part) for part in VAULT.seal(CLEAR))
    touched = key if in_key else sealed
    touched[place % len(touched)] ^= 1 << bit
    with pytest.raises(InvalidTag):
        VAULT.open(bytes(sealed), bytes(key))


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_cut_bytes_are_noticed(length: int) -> None:
    sealed, key = VAULT.seal(CLEAR)
    with pytest.raises((InvalidTag, ValueError)):
        VAULT.open(sealed[:length], key)


def test_the_master_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    made = master_key(path)
    assert len(made) == 32
    assert master_key(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["master.key"]


def test_processes_that_start_together_agree_on_one_master_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    found: list[bytes] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        found.append(master_key(path))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
