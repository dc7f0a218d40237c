"""A small HTTP site for the tests, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ITEMS_A_PAGE = 40
PRODUCTS = 1_000
"""Pages repeat these, so that a long crawl is quick and mostly confirms."""


class Page(BaseHTTPRequestHandler):
    """`/7` is the eighth page, with one product on each line: its key and its name."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer with a page."""
        page = int(self.path.lstrip("/"))
        first = page * ITEMS_A_PAGE
        numbers = [number % PRODUCTS for number in range(first, first + ITEMS_A_PAGE)]
        body = "".join(f"sku-{number:06};Product {number}\n" for number in numbers).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def running_site() -> Iterator[str]:
    """Run a site until the end of the block, and give its URL."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    """Serve for ever; the first line of output is the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
