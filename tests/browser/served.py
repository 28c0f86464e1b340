"""A WSGI server in a thread, and how Chromium is started."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _QuietHandler(WSGIRequestHandler):
    """Writes no access log."""

    def log_message(self, *args: Any, **options: Any) -> None:
        """Nothing."""


class _ThreadedServer(ThreadingMixIn, WSGIServer):
    """One thread for each request, as a browser expects."""

    daemon_threads = True
    request_queue_size = 32


@contextmanager
def serving(application: Callable[..., Any]) -> Iterator[str]:
    """The address the application answers at, until the end of the block."""
    server = make_server("127.0.0.1", 0, application, server_class=_ThreadedServer, handler_class=_QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
