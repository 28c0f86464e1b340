"""A file instead of webhooks: its messages go into the inbox, each under the id made from its content, and are read.

Importing the same file again changes nothing. A message is durable before anything follows from it.
"""

from __future__ import annotations

from pathlib import PurePath

from counterfoil.flow.translate import read_inbox
from counterfoil.flow.world import Connection, World
from counterfoil.ports.files import FileMessage, FileRead
from counterfoil.store.database import now_ms


def import_file(world: World, connection: Connection, name: str, body: bytes) -> FileRead:
    """Take a file in; its rows' results.

    Raises LookupError when this vendor sends no files, UnreadableError when the file cannot be read at all.
    """
    read = connection.spec.read_file
    if read is None:
        raise LookupError(f"{connection.spec.title} sends no files we read")
    found = read(connection.config, body, ())
    known = frozenset(message.message_id for message in found.messages if not _keep(world, connection, name, message))
    while read_inbox(world, connection):
        pass
    return read(connection.config, body, known) if known else found


def _keep(world: World, connection: Connection, name: str, message: FileMessage) -> bool:
    """Put one message into the inbox; False when it was there already."""
    body, key = world.vault.seal(message.body)
    with world.database.write() as tx:
        row = tx.one(
            "delivery_put",
            connection=connection.name,
            delivery_key=f"file/{message.message_id}",
            arrived_ms=now_ms(),
            signature="not_signed_by_vendor",
            headers="{}",
            body=body,
            body_key=key,
            size_bytes=len(message.body),
            state="new",
            note=f"from the file {PurePath(name).name}",
        )
    return row is not None
