"""The shared folder behind SFTP, with asyncssh (the extra `sftp`): one connection, reopened when it breaks."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Coroutine
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh

from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.transports.folders import FolderError

T = TypeVar("T")

_TROUBLE = (asyncssh.Error, OSError, TimeoutError, ValueError)
Work = Callable[[asyncssh.SFTPClient], Coroutine[None, None, T]]


class SftpFolder:
    """A folder on the vendor's SFTP server. Calls block; one connection serves several threads in turn.

    The server's key must be one of the known hosts in the settings; there is no "accept anything".
    """

    def __init__(self, config: PrimaConfig) -> None:
        self._config = config
        address = urlsplit(config.drop)
        self._host, self._port = address.hostname or "", address.port or 22
        self._user, self._root = unquote(address.username or ""), unquote(address.path) or "/"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="prima-sftp", daemon=True)
        self._lock = threading.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._folders: set[str] = set()

    def names(self, folder: str) -> list[str]:
        """The files of a folder, sorted."""

        async def work(sftp: asyncssh.SFTPClient) -> list[str]:
            try:
                found = await sftp.readdir(self._path(folder))
            except asyncssh.SFTPNoSuchFile:
                return []
            return sorted(str(entry.filename) for entry in found if entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR)

        return self._run(work, f"list {folder}")

    def read(self, name: str) -> bytes | None:
        """A file's bytes."""

        async def work(sftp: asyncssh.SFTPClient) -> bytes | None:
            try:
                async with sftp.open(self._path(name), "rb") as file:
                    content: bytes = await file.read()
                    return content
            except asyncssh.SFTPNoSuchFile:
                return None

        return self._run(work, f"read {name}")

    def exists(self, name: str) -> bool:
        """Whether a file is there."""
        return self._run(lambda sftp: sftp.isfile(self._path(name)), f"look for {name}")

    def write(self, name: str, content: bytes) -> None:
        """Write under `.tmp`, then rename over what is there."""

        async def work(sftp: asyncssh.SFTPClient) -> None:
            temporary = f"{self._path(name)}.{uuid.uuid4().hex}.tmp"
            await self._put(sftp, temporary, content)
            await sftp.posix_rename(temporary, self._path(name))

        self._run(work, f"write {name}")

    def create(self, name: str, content: bytes) -> bool:
        """The plain rename of SFTP fails when the name is taken, so only one writer gets it."""

        async def work(sftp: asyncssh.SFTPClient) -> bool:
            if await sftp.exists(self._path(name)):
                return False
            temporary = f"{self._path(name)}.{uuid.uuid4().hex}.tmp"
            await self._put(sftp, temporary, content)
            try:
                await sftp.rename(temporary, self._path(name))
            except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
                if not await sftp.exists(self._path(name)):
                    raise
                await sftp.remove(temporary)
                return False
            return True

        return self._run(work, f"write {name}")

    def move(self, name: str, to: str) -> None:
        """Move a file within the tree."""

        async def work(sftp: asyncssh.SFTPClient) -> None:
            await self._make_folder(sftp, self._path(to))
            try:
                await sftp.posix_rename(self._path(name), self._path(to))
            except asyncssh.SFTPNoSuchFile:
                return

        self._run(work, f"move {name}")

    def close(self) -> None:
        """Close the connection and end the thread."""
        with self._lock:
            if not self._thread.is_alive():
                return
            asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(timeout=10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
            self._loop.close()

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    async def _put(self, sftp: asyncssh.SFTPClient, path: str, content: bytes) -> None:
        await self._make_folder(sftp, path)
        async with sftp.open(path, "wb") as file:
            await file.write(content)

    async def _make_folder(self, sftp: asyncssh.SFTPClient, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            await sftp.makedirs(folder, exist_ok=True)
            self._folders.add(folder)

    def _run(self, work: Work[T], what: str) -> T:
        """One piece of work over the connection; trouble drops the connection, so that the next call opens another."""
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()
            try:
                future = asyncio.run_coroutine_threadsafe(self._with_client(work), self._loop)
                return future.result(timeout=self._config.timeout_s + 5)
            except _TROUBLE as error:
                asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(timeout=10)
                raise FolderError(f"{what}: {type(error).__name__}: {error}") from error

    async def _with_client(self, work: Work[T]) -> T:
        async with asyncio.timeout(self._config.timeout_s):
            if self._client is None:
                self._connection = await asyncssh.connect(
                    self._host,
                    self._port,
                    username=self._user,
                    password=self._config.drop_password or None,
                    client_keys=[self._config.drop_key] if self._config.drop_key else None,
                    known_hosts=asyncssh.import_known_hosts(self._config.drop_known_hosts),
                    agent_path=None,
                    config=None,
                )
                self._client = await self._connection.start_sftp_client()
            return await work(self._client)

    async def _hang_up(self) -> None:
        if self._client is not None:
            self._client.exit()
        if self._connection is not None:
            self._connection.abort()
        self._client = self._connection = None
        self._folders.clear()
