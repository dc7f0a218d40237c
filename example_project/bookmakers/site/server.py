"""Serves the pages on loopback from a thread of its own, so that it works under any reactor."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from bookmakers.site.html import not_found_page

Pages = Callable[[str], "str | None"]


class SiteServer:
    """A site that runs on a free port until it is closed, or the process ends."""

    def __init__(self, pages: Pages) -> None:
        """`pages` is called from the server's threads, several at once."""
        self._server = _Server(pages)
        # `close` waits for at most this poll interval.
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop the site; blocks for a moment."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, pages: Pages) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages = pages


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Header and body are two writes; Nagle's algorithm would delay the second one.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        html = self.server.pages(self.path)
        status = HTTPStatus.OK if html is not None else HTTPStatus.NOT_FOUND
        body = (not_found_page() if html is None else html).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: the crawl's log has every request already."""
