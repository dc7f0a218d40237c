"""Cutting the store's one connection from another thread, by shutting its socket down."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine


class SocketCut:
    """Holds a duplicate of the connection's socket for as long as the connection is open.

    A frozen server holds the writer thread inside the driver, where no timeout reaches it.  When
    the socket is shut down, the driver returns at once, as it does from any lost connection.  A
    file number alone could belong to somebody else by then; a duplicate cannot.
    """

    def __init__(self, engine: Engine) -> None:
        """Follow the connections of `engine`; those of SQLite have no socket and are ignored."""
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        sa.event.listen(engine, "connect", self._connected)
        sa.event.listen(engine, "close", self._closed)

    def cut(self) -> bool:
        """Shut the socket down; False when there is none.  Any thread; never blocks."""
        with self._lock:
            if self._socket is None:
                return False
            with contextlib.suppress(OSError):  # the server has closed it already
                self._socket.shutdown(socket.SHUT_RDWR)
            return True

    def _connected(self, connection: Any, _: object) -> None:
        fileno = getattr(connection, "fileno", None)
        if fileno is None:
            return
        with self._lock:
            self._release()
            self._socket = socket.socket(fileno=os.dup(fileno()))

    def _closed(self, *_: object) -> None:
        with self._lock:
            self._release()

    def _release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
