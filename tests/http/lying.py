"""A server that answers as no honest one does: what nginx can't be made to say. Ways are the first part of a path; what follows it is the
name of a file below the folder given.

    /cut/F          closes the connection half-way through each answer        /cut-once/F   only the very first
    /other-range/F  sends other bytes than asked, and says so                 /short-range/F  says more than it sends, properly closed
    /no-ranges/F    sends all of it, whatever was asked                       /endless/F    and never ends
    /changing/F     another ETag each time                                    /slow/F       says nothing after its headers
    /compressed/F   says that it is gzip                                      /round/F      leads to itself
    /long-headers/F headers without end                                       /busy/F       503 twice, then the file
    /rebound/F      leads to file:///etc/passwd                               /silent304/F  304 to whoever has nothing
"""
import http.server
import pathlib
import re
import socket
import threading

CHUNK = 1 << 16


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder, seen, told = None, [], {}

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", **headers):
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def part(self, whole):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return 200, 0, whole
        first, last = int(asked[1]), int(asked[2] or len(whole) - 1)
        return 206, first, whole[first:last + 1]

    def range_of(self, first, part, whole):
        return f"bytes {first}-{first + len(part) - 1}/{len(whole)}"

    def drop(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self):
        _, way, name = self.path.split("?")[0].split("/", 2)
        self.seen.append((way, dict(self.headers)))
        path = pathlib.Path(self.folder) / name
        whole = path.read_bytes() if path.is_file() else b""
        status, first, part = self.part(whole)
        usual = {"ETag": '"one"', **({"Content_Range": self.range_of(first, part, whole)} if status == 206 else {})}
        getattr(self, way.replace("-", "_"))(status, first, part, whole, usual)

    def cut(self, status, _first, part, _whole, usual):
        self.send(status, part[:len(part) // 2], **usual, Content_Length=str(len(part)))
        self.drop()

    def cut_once(self, status, first, part, whole, usual):
        if not self.told.get("cut"):
            self.told["cut"] = True
            return self.cut(status, first, part, whole, usual)
        return self.send(status, part, **usual)

    def other_range(self, status, first, part, whole, usual):
        self.send(status, part, **{**usual, "Content_Range": self.range_of(first + 1, part, whole)})

    def short_range(self, status, first, part, whole, usual):
        self.send(status, part[:-1], **usual)

    def no_ranges(self, _status, _first, _part, whole, _usual):
        self.send(200, whole, ETag='"one"')

    def endless(self, _status, _first, _part, whole, _usual):
        self.send(200, whole, Content_Length=str(1 << 50), ETag='"one"')
        try:
            while True:
                self.wfile.write(bytes(CHUNK))
        except OSError:
            self.close_connection = True

    def changing(self, status, _first, part, _whole, usual):
        self.told["changing"] = self.told.get("changing", 0) + 1
        self.send(status, part, **{**usual, "ETag": f'"{self.told["changing"]}"'})

    def slow(self, status, _first, part, _whole, usual):
        self.send(status, b"", **usual, Content_Length=str(len(part)))
        self.released.wait(60)

    def compressed(self, status, _first, part, _whole, usual):
        self.send(status, part, **usual, Content_Encoding="gzip")

    def round(self, *_):
        self.send(302, Location=self.path)

    def rebound(self, *_):
        self.send(302, Location="file:///etc/passwd")

    def long_headers(self, *_):
        self.send_response(200)
        try:
            for i in range(1 << 20):
                self.wfile.write(f"X-{i}: {'x' * 200}\r\n".encode())
        except OSError:
            self.close_connection = True

    def busy(self, status, first, part, _whole, usual):
        self.told["busy"] = self.told.get("busy", 0) + 1
        if self.told["busy"] < 3:
            return self.send(503, Retry_After="0")
        return self.send(status, part, **usual)

    def silent304(self, *_):
        self.send(304)


def start(folder):
    """A server of its own thread; .server_port, .RequestHandlerClass.seen, .shutdown()."""
    handler = type("Handler", (Liar,), {"folder": folder, "seen": [], "told": {}, "released": threading.Event()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # who asked has gone away
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
