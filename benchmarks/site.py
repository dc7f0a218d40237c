"""A slow site on the loopback interface, in a process of its own: `python -m benchmarks.site`."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_LATENCY = 0.05
"""Seconds from a request to its answer."""
_LINK = b'<p><a href="/events/17">Home Rovers - Away United</a> <b>1.95</b> <b>3.40</b></p>\n'
_PAGE = b"<html><body>\n" + _LINK * (100_000 // len(_LINK)) + b"</body></html>"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_PAGE)
) + _PAGE


@contextlib.contextmanager
def running_site() -> Iterator[str]:
    """Run a site for as long as the context lasts, and give its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.site"],
        cwd=Path(__file__).resolve().parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(_LATENCY)
            writer.write(_ANSWER)
            await writer.drain()
    writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
