"""A TCP proxy in front of PostgreSQL that reads along and can fail at a COMMIT."""

from __future__ import annotations

import contextlib
import enum
import socket
import struct
import threading

_UNTYPED_REQUESTS = {80877103, 80877104}  # for TLS and GSS, answered by one byte
_READY = b"Z\x00\x00\x00\x05"
"""The end of the server's answer, whatever that was: if statements travel with the COMMIT, one of
them may have failed."""
_RESET = struct.pack("ii", 1, 0)


class Trouble(enum.Enum):
    """What becomes of a COMMIT."""

    BEFORE_COMMIT = "reset before COMMIT"
    """The server never sees the COMMIT."""
    AFTER_COMMIT = "reset after COMMIT"
    """The server has answered, usually after committing; the client never gets the answer."""
    SILENCE = "silence before COMMIT"
    """The server never sees the COMMIT; the connection stays open, and no answer comes."""
    SILENCE_AFTER = "silence after COMMIT"
    """The server commits; the connection stays open, and no answer comes."""


class Proxy:
    """Listens on a port of its own on the loopback interface until it is closed."""

    def __init__(self, server_port: int) -> None:
        self._server = ("127.0.0.1", server_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._armed: dict[int, Trouble] = {}
        self._links: set[_Link] = set()
        self.commits = 0
        """The COMMITs that it has seen so far."""
        self.queries = 0
        """The texts that it has seen so far, each of which is a round trip."""
        self.troubles = 0
        """How many of these had trouble."""
        self.refusing = False
        """Whether new connections are reset at once."""
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def arm(self, trouble: Trouble, nth: int = 1) -> None:
        """Make trouble at the `nth` COMMIT from now on; 1 is the next one."""
        with self._lock:
            self._armed[self.commits + nth] = trouble

    def disarm(self) -> None:
        """Make no trouble any more."""
        with self._lock:
            self._armed.clear()

    def reset_all(self) -> None:
        """Reset every connection."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.reset()

    def close(self) -> None:
        """Stop listening, and reset every connection."""
        self.refusing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset_all()

    def trouble_of_commit(self) -> Trouble | None:
        """Count a COMMIT, and give what is to become of it."""
        with self._lock:
            self.commits += 1
            trouble = self._armed.pop(self.commits, None)
            self.troubles += trouble is not None
            return trouble

    def count_query(self) -> None:
        """Count a text of one or more statements."""
        with self._lock:
            self.queries += 1

    def forget(self, link: _Link) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._links.discard(link)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self.refusing:
                self._connect(client)
            else:
                _reset(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server)
        except OSError:
            _reset(client)
            return
        link = _Link(self, client, server)
        with self._lock:
            self._links.add(link)
        link.start()


class _Link:
    """One connection, with a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._trouble: Trouble | None = None

    def start(self) -> None:
        for direction in (self._upstream, self._downstream):
            threading.Thread(target=self._pump, args=(direction,), daemon=True).start()

    def reset(self) -> None:
        self._proxy.forget(self)
        _reset(self._client)
        _reset(self._server)

    def _pump(self, direction: object) -> None:
        assert callable(direction)
        with contextlib.suppress(OSError, EOFError):
            direction()
        self.reset()

    def _upstream(self) -> None:
        """Pass on what comes from the client, message by message."""
        while (first := _receive(self._client, 8))[4:]:
            length, code = struct.unpack("!ii", first)
            self._server.sendall(first + _receive(self._client, length - 8))
            if code not in _UNTYPED_REQUESTS:
                break
        while True:
            head = _receive(self._client, 5)
            body = _receive(self._client, struct.unpack("!i", head[1:])[0] - 4)
            self._send_up(head + body)

    def _send_up(self, message: bytes) -> None:
        if message[:1] == b"Q":
            self._proxy.count_query()
        # To a server that counts as far, other statements come in the same message.
        if message[:1] == b"Q" and message.rstrip(b"\x00")[-6:].upper() == b"COMMIT":
            self._trouble = self._proxy.trouble_of_commit()
        if self._trouble is Trouble.BEFORE_COMMIT:
            raise EOFError
        if self._trouble is not Trouble.SILENCE:
            self._server.sendall(message)

    def _downstream(self) -> None:
        """Pass on what comes from the server, except the answer to a COMMIT with trouble."""
        withheld = b""
        while data := self._server.recv(65536):
            if self._trouble is None:
                self._client.sendall(data)
                continue
            withheld += data
            if self._trouble is Trouble.AFTER_COMMIT and _READY in withheld:
                return


def _receive(source: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = source.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)
    one.close()
