"""A TCP proxy that delays what passes, so that a database seems far away.

`python -m benchmarks.proxy <port> <milliseconds>` listens on a free port, prints it, and forwards
to `port`.  The milliseconds are those of a round trip, half of them in each direction.  It is a
process of its own, so that its threads do not take the interpreter lock from the crawl.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 16


@contextlib.contextmanager
def running_proxy(port: int, milliseconds: float) -> Iterator[int]:
    """Run a proxy for as long as the context lasts, and give its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.proxy", str(port), str(milliseconds)],
        cwd=Path(__file__).resolve().parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _forward(source: socket.socket, target: socket.socket, delay: float) -> None:
    """Pass bytes on `delay` seconds after they came; many can be on their way at once."""
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_deliver, args=(waiting, target), daemon=True).start()
    data = b"more"
    while data:
        try:
            data = source.recv(_CHUNK)
        except OSError:
            data = b""
        waiting.put((time.monotonic() + delay, data))


def _deliver(waiting: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)


def _serve(listener: socket.socket, port: int, delay: float) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for pair in ((client, server), (server, client)):
            threading.Thread(target=_forward, args=(*pair, delay), daemon=True).start()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        _serve(listening, int(sys.argv[1]), float(sys.argv[2]) / 2000)
