"""An SFTP server in front of the drop's folder, for clients that reach it only that way (needs asyncssh)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncssh


class _OnePassword(asyncssh.SSHServer):
    """Lets one user in with one password."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def begin_auth(self, username: str) -> bool:
        """Everybody has to say who they are."""
        return True

    def password_auth_supported(self) -> bool:
        """By password only."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Whether it is the one of the world."""
        return (username, password) == (self._user, self._password)


class DropServer:
    """One server on loopback; its root is the folder of the drop. `known_host` is the line a client needs."""

    def __init__(self, folder: Path, user: str, password: str) -> None:
        self._folder, self._user, self._password = folder, user, password
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.port = 0

    @property
    def known_host(self) -> str:
        """A line for known_hosts."""
        public = self._key.export_public_key().decode().strip()
        return f"[127.0.0.1]:{self.port} {public}"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        root = str(self._folder.resolve()).encode()
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=lambda: _OnePassword(self._user, self._password),
            server_host_keys=[self._key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=root),
        )
        self.port = self._acceptor.get_port()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

    def state(self) -> dict[str, Any]:
        """What a client must know."""
        return {"port": self.port, "known_host": self.known_host}
