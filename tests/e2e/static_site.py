"""A page builder's site on a host of its own, as browsers see it: other site, other cookies than the tracker's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEAD = "<!doctype html><meta name=viewport content='width=device-width'><link rel=icon href=data:,>"


class StaticSite:
    """Serves the HTML that a test puts into `pages` by path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pages: dict[str, str] = {}

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["StaticSite"]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        site = Handler.site = cls(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield site
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    site: StaticSite

    def do_GET(self) -> None:
        page = self.site.pages.get(self.path.partition("?")[0], "")
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((HEAD + page).encode())

    def log_message(self, *args: Any) -> None:
        pass
