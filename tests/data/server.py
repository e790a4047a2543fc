"""A server on this machine: ranges, connections that break, files that change."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What the server has, how it behaves, and what it was asked."""

    def __init__(self):
        self.files = {}  # path -> bytes
        self.breaks_after = []  # bytes that the next answers send; then the connection is cut
        self.has_ranges = True
        self.tag = '"1"'
        self.asked = []  # (path, what Range said)
        self.address = ""


@contextmanager
def serving():
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_GET(self):
            wanted = self.headers.get("Range")
            site.asked.append((self.path, wanted))
            content = site.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            same = self.headers.get("If-Range", site.tag) == site.tag
            start = 0
            if wanted and site.has_ranges and same:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            if site.tag:
                self.send_header("ETag", site.tag)
            self.end_headers()
            most = site.breaks_after.pop(0) if site.breaks_after else len(content)
            self.wfile.write(content[start:][:most])
            self.wfile.flush()
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
