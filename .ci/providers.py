"""A server that plays the providers: the proxy of a process whose calls it answers with what it is given.

No request leaves the machine. Since it stands where a proxy would, whoever calls sees the addresses of the
providers, and so do the records of the calls.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.gemini_streams import gemini_events
from tests.support.image_streams import image_events
from tests.support.loopback import sse
from tests.support.openai_streams import chat_events, responses_events

Json = Any

HOSTS = (
    "api.openai.com",
    "generativelanguage.googleapis.com",
    "europe-west4-aiplatform.googleapis.com",
    "oauth2.googleapis.com",
    "weather.openai.azure.com",
    "llm.example.com",
    "pictures.example.com",
)
"""The hosts that are played. A server on this machine is played too, whatever its port."""

PIECE = 12
"""Characters of a piece of a streamed text."""


class Providers:
    """The server while it runs: `url` is its address as a proxy, `answers` are given one after the other."""

    def __init__(self) -> None:
        self.answers: list[Json] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.played = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        """The address for `HTTPS_PROXY`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self, folder: Path) -> dict[str, str]:
        """What a process needs to call this server and nobody else; keys and a certificate are made up in a folder."""
        certificate = _certificate(folder)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        login = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
        (folder / "google.json").write_text(json.dumps(login), encoding="utf-8")
        keys = ("OPENAI_API_KEY", "GEMINI_API_KEY", "AZURE_WEATHER_KEY", "EXAMPLE_LLM_KEY", "PICTURES_KEY")
        return {
            **dict.fromkeys(keys, "made-up-key"),
            **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), self.url),
            **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(certificate)),
            "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "google.json"),
            "NO_GCE_CHECK": "true",
            "PLCLI_TRUST_HOSTS": ",".join(HOSTS),
        }

    def answer(self, path: str, body: bytes) -> tuple[str, bytes]:
        """Type and bytes of the answer to a request, streamed where that is asked for."""
        if path.endswith("/token"):
            return "application/json", json.dumps({"access_token": "made-up-token", "expires_in": 3599}).encode()
        answer, asked = self.answers.pop(0), json.loads(body)
        if path.partition("?")[0].endswith(":streamGenerateContent"):
            return "text/event-stream", sse(gemini_events(answer, PIECE))
        if not asked.get("stream"):
            return "application/json", json.dumps(answer).encode()
        return "text/event-stream", sse(_events(path, answer), names=not path.endswith("/completions"))


def _events(path: str, answer: Json) -> Iterable[Json]:
    if "/images/" in path:
        return image_events(answer, edit="/edits" in path)
    if "/chat/completions" in path:
        return chat_events(answer, PIECE)
    return responses_events(answer, PIECE)


@contextmanager
def providers() -> Iterator[Providers]:
    """The server, running."""
    played = Providers()
    thread = threading.Thread(target=played._server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield played
    finally:
        played._server.shutdown()
        thread.join()
        played._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        """A tunnel to one of the hosts, whose other end is here."""
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self.connection = self.server.played.tls.wrap_socket(self.connection, server_side=True)  # type: ignore[attr-defined]
        self.setup_streams()
        self.close_connection = False

    def setup_streams(self) -> None:
        """Read and write inside the tunnel from now on."""
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)  # type: ignore[assignment]

    def do_POST(self) -> None:
        """One answer, whole."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind, data = self.server.played.answer(self.path, body)  # type: ignore[attr-defined]
        self.send_response_only(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if "googleapis" not in self.headers["Host"]:
            self.send_header("x-request-id", f"req_{hashlib.sha256(data).hexdigest()[:32]}")
            self.send_header("openai-processing-ms", "412")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def _certificate(folder: Path) -> Path:
    """A certificate for all hosts, with its key, which vouches for itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "played")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "played.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path
