"""A small hub on this machine for tests/cli/pull*.sh: python3 tests/support/pull_server.py FOLDER LOG [CERTIFICATE]

Serves FOLDER's files as the repository ORG/tiny, where ORG says what goes wrong (TROUBLES). Large files are redirected to a
second port. With CERTIFICATE, a PEM file with its key, a third port speaks TLS. Each is a proxy, too, which connects to the
third. Prints the ports, then writes one line a request to LOG: port, path, whether a token came along, the Range asked
for, and the status.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER, LOG = Path(sys.argv[1]), Path(sys.argv[2])
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {f.name: f.read_bytes() for f in sorted(FOLDER.iterdir()) if f.is_file()}
LARGE = "model.safetensors"
TROUBLES = {
    "good": "nothing",
    "cut": "the first two answers end after a third",
    "flaky": "every answer ends after a twelfth",
    "norange": "the first is cut, and a Range is not heeded",
    "wrong": "the bytes are not those listed",
    "wrongonce": "the same, the first time",
    "short": "fewer bytes than listed, in a sound answer",
    "long": "more bytes than listed, without end",
    "gated": "the list is denied",
    "gatedfile": "the list is given, the weights are denied",
    "private": "there is no such repository, or nobody says so",
    "busy": "the hub asks twice to come again later",
    "down": "the hub fails",
    "slow": "the hub stops in the middle",
    "bin": "no safetensors",
    "bert": "a model of another kind",
    "huge": "more bytes are listed than any disk has",
    "files": "several GGUF files",
    "parts": "one GGUF model in two parts",
    "trickle": "the weights come a byte at a time",
    "drip": "each answer brings a byte and is cut",
    "silent": "nothing comes of the weights",
    "headers": "headers without end",
    "round": "redirects without end",
    "away": "the weights are redirected to another protocol",
    "marker": "the list of files is a sequence for terminals",
}
MARKER = b"\x1b[31mmarker\x07\xc2\x9b\xe2\x80\xae\xff"
GGUF = b"GGUF, as far as the hub knows"
BERT = b'{"model_type": "bert"}'
GGUFS = {
    "files": ["q4.gguf", "q8.gguf"],
    "parts": ["q4-00001-of-00002.gguf", "q4-00002-of-00002.gguf"],
}
seen: dict[str, int] = {}
lock = threading.Lock()
ports: list[int] = []


def listing(org: str) -> dict:
    files = dict(FILES)
    if org == "bin":
        files = {"config.json": FILES["config.json"], "pytorch_model.bin": b"x"}
    elif org == "bert":
        files["config.json"] = BERT
    elif org in GGUFS:
        files = dict.fromkeys(GGUFS[org], GGUF)
    siblings = []
    for name, data in files.items():
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        entry = {"rfilename": name, "size": len(data), "blobId": blob}
        if org == "huge":
            entry["size"] = 2**60
        if name == LARGE:
            entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        siblings.append(entry)
    return {"sha": COMMIT, "siblings": siblings}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass

    def note(self, status: int) -> None:
        token = "token" if self.headers.get("Authorization") else "-"
        with lock, LOG.open("a") as log:
            side = ("first", "second", "third")[ports.index(self.server.server_port)]
            log.write(f"{side} {self.path} {token} {self.headers.get('Range', '-')} {status}\n")

    def note_sent(self, sent: int) -> None:
        with lock, LOG.open("a") as log:
            log.write(f"sent {sent}\n")

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.note(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def count(self, what: str) -> int:
        with lock:
            seen[what] = seen.get(what, 0) + 1
            return seen[what]

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.list_files(parts[2], parts[3])
        if parts[0] == "large":
            return self.send_file(parts[1], LARGE)
        org, name = parts[0], parts[-1]
        if org in GGUFS and name in GGUFS[org]:
            return self.answer(200, GGUF)
        if name not in FILES or parts[2:4] != ["resolve", COMMIT]:
            return self.answer(404)
        if org == "bert" and name == "config.json":
            return self.answer(200, BERT)
        if name == LARGE and org in ("silent", "headers"):
            return self.never_begin(org)
        if name == LARGE and org in ("round", "away"):
            return self.answer(302, Location=self.path if org == "round" else f"ftp://127.0.0.1:{ports[1]}/large")
        if org == "gatedfile" and name == LARGE:
            return self.answer(403, X_Error_Code="GatedRepo")
        if name == LARGE:
            return self.answer(302, Location=f"http://localhost:{ports[1]}/large/{org}")
        return self.send_file(org, name)

    def list_files(self, org: str, name: str) -> None:
        if org == "private":
            return self.answer(401, X_Error_Code="RepoNotFound")
        if name != "tiny" or org not in TROUBLES:
            return self.answer(404)
        if org == "gated":
            return self.answer(403 if self.headers.get("Authorization") else 401)
        if org == "down":
            return self.answer(500)
        if org == "marker":
            return self.answer(200, b'{"sha": "' + MARKER + b'", "siblings": []}')
        if org == "busy" and (number := self.count("busy list")) < 3:
            return self.answer(429, **({"Retry_After": "1"} if number == 1 else {}))
        return self.answer(200, json.dumps(listing(org)).encode())

    def never_begin(self, org: str) -> None:
        self.note(0)
        try:
            if org == "silent":
                self.connection.recv(1)  # until the other side has had enough
                return
            self.wfile.write(b"HTTP/1.0 200 OK\r\n")
            while True:
                self.wfile.write(b"X-Header: y\r\n" * 100)
        except OSError:
            pass

    def trickle(self, body: bytes) -> None:
        try:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass

    def do_CONNECT(self) -> None:  # only ever to the third port, whatever it is called
        self.path = "CONNECT:" + self.path
        self.note(200)
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", ports[-1])) as there:
            here = self.connection
            copying = threading.Thread(target=copy, args=(there, here), daemon=True)
            copying.start()
            copy(here, there)
            copying.join()

    def send_file(self, org: str, name: str) -> None:
        data, first = FILES[name], 0
        asked = self.headers.get("Range")
        number = self.count(f"{org} {name}") if name == LARGE else 0
        if asked and org != "norange":
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(data):
                return self.answer(416)
        body = data[first:]
        if name == LARGE and org == "short":
            body = data[first : len(data) // 2]
        if name == LARGE and (org == "wrong" or (org == "wrongonce" and number == 1)):
            body = bytes(b ^ 1 for b in body)
        self.note(206 if first else 200)
        self.send_response(206 if first else 200)
        if name == LARGE and org == "long":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body)))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        ends = {"cut": (2, len(body) // 3), "norange": (1, len(body) // 3), "flaky": (100, len(data) // 12), "drip": (1000, 1)}
        last, length = ends.get(org, (0, 0))
        if name == LARGE and number <= last and length < len(body):
            self.wfile.write(body[:length])
            self.wfile.flush()
            self.connection.close()
            return
        if name == LARGE and org == "long":
            sent = 0
            try:
                while sent < 20 * len(data):
                    sent += self.wfile.write(bytes(65536))
            except OSError:
                pass
            self.note_sent(sent)
            return
        if name == LARGE and org == "trickle":
            return self.trickle(body)
        if name == LARGE and org == "slow":
            self.wfile.write(body[:5000])
            self.wfile.flush()
            time.sleep(60)
            return
        self.wfile.write(body)


def copy(source: socket.socket, to: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main() -> None:
    certificates = sys.argv[3:]
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2 + len(certificates))]
    for certificate in certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        servers[-1].socket = context.wrap_socket(servers[-1].socket, server_side=True)
    ports[:] = [s.server_port for s in servers]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*ports, flush=True)
    sys.stdin.read()  # until the test closes it


if __name__ == "__main__":
    main()
