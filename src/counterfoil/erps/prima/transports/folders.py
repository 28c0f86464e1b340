"""A folder tree that two parties share: a directory of this machine, or one behind SFTP (Prima sheet §6.1).

Names are relative, such as `in/SRET_….csv`. Every failure of disk or network is a FolderError; nothing is half written.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Protocol


class FolderError(Exception):
    """The folder cannot be reached or written; the message says what was tried."""


class Folder(Protocol):
    """What a file drop needs. Each call is whole or not at all, and may be repeated."""

    def names(self, folder: str) -> list[str]:
        """The files of a folder, sorted; a folder that is not there has none."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file's bytes, None when it is not there."""
        ...

    def exists(self, name: str) -> bool:
        """Whether a file is there."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write under `.tmp`, then rename; an existing file is replaced."""
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that must not exist yet; False when somebody was first."""
        ...

    def move(self, name: str, to: str) -> None:
        """Move a file; one that is gone was moved by somebody else."""
        ...

    def close(self) -> None:
        """Release what is held open."""
        ...


class LocalFolder:
    """A directory both sides can see: a share, or the end of somebody else's synchronisation."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, folder: str) -> list[str]:
        """The files of a folder, sorted."""
        try:
            return sorted(entry.name for entry in os.scandir(self._root / folder) if entry.is_file())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FolderError(f"list {folder}: {error.strerror}") from error

    def read(self, name: str) -> bytes | None:
        """A file's bytes."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FolderError(f"read {name}: {error.strerror}") from error

    def exists(self, name: str) -> bool:
        """Whether a file is there."""
        return (self._root / name).is_file()

    def write(self, name: str, content: bytes) -> None:
        """Write, force to disk, rename."""
        target = self._root / name
        try:
            _flushed(_temporary(target), content).replace(target)
        except OSError as error:
            raise FolderError(f"write {name}: {error.strerror}") from error

    def create(self, name: str, content: bytes) -> bool:
        """A hard link appears whole or not at all, and fails when the name is taken."""
        target = self._root / name
        temporary = _temporary(target)
        try:
            os.link(_flushed(temporary, content), target)
        except FileExistsError:
            return False
        except OSError as error:
            raise FolderError(f"write {name}: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def move(self, name: str, to: str) -> None:
        """Rename within the tree."""
        try:
            (self._root / to).parent.mkdir(parents=True, exist_ok=True)
            (self._root / name).replace(self._root / to)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FolderError(f"move {name}: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is held open."""


def _temporary(target: Path) -> Path:
    """A name that ends in `.tmp` and that no other process writes at the same moment."""
    return target.with_name(f"{target.name}.{uuid.uuid4().hex}.tmp")


def _flushed(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path
