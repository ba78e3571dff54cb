"""Fetching what an answer gives the address of: what the server is told, what it may answer, where it may lead."""

from __future__ import annotations

import datetime
import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from plcli.cancel import Cancel
from plcli.errors import Exit
from plcli.failures import CallFailed
from plcli.providers import download, outside
from plcli.providers.download import Fetched
from tests.support.loopback import Loopback
from tests.support.pictures import png

PNG = png()
SECRET = "sig=4f9d2c7b8a1e6053"


def fetch(url: str, near: str | None = None, *, seconds: float = 30.0, cancel: Cancel | None = None) -> Fetched:
    return download.fetch(url, near=near, deadline=time.monotonic() + seconds, cancel=cancel or Cancel())


def failure(url: str, near: str | None = None, **settings: Any) -> CallFailed:
    """How fetching fails; what it says never holds the secret of the address."""
    with pytest.raises(CallFailed) as caught:
        fetch(url, near, **settings)
    assert SECRET not in f"{caught.value.failure}"
    return caught.value


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.0)


@pytest.fixture
def fresh() -> Iterator[None]:
    """A client that reads the environment of this test."""
    download._client.cache_clear()
    yield
    download._client.cache_clear()


def test_bytes_come_with_their_type_and_nothing_of_a_call_goes_there(server: Loopback) -> None:
    server.answer(body=PNG, type="Image/PNG; charset=binary", headers={"Set-Cookie": "session=1; Path=/"})
    for _ in range(2):
        assert fetch(f"{server.url}/a%20b/1.png?{SECRET}#part", server.base_url) == Fetched(PNG, "image/png", 200)
    for request in server.received:
        assert (request.method, request.path, request.body) == ("GET", f"/a%20b/1.png?{SECRET}", b"")
        assert request.headers.keys() == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert request.headers["user-agent"].startswith("plcli/")


def test_no_connection_is_kept_for_the_next_address(server: Loopback) -> None:
    server.answer(body=PNG, type="image/png")
    for _ in range(3):
        fetch(f"{server.url}/1.png", server.base_url)
    assert server.connections == 3


@pytest.mark.parametrize("type", [None, "", "a picture", "\x80/\x81"])
def test_a_type_that_is_none_is_not_told(server: Loopback, type: str | None) -> None:
    server.answer(body=PNG, type=type)
    assert fetch(f"{server.url}/1.png", server.base_url).mime is None


def test_a_page_is_fetched_as_what_it_is(server: Loopback) -> None:
    server.answer(body=b"<html>sign in</html>", type="text/html")
    assert fetch(f"{server.url}/1.png", server.base_url) == Fetched(b"<html>sign in</html>", "text/html", 200)


def test_this_machine_is_the_same_however_it_is_spelt(server: Loopback) -> None:
    server.answer(body=PNG)
    assert fetch(f"http://localhost:{server.port}/1.png", server.base_url).data == PNG


@pytest.mark.parametrize(
    ("status", "kind", "exit", "tries"),
    [
        (403, "permission", Exit.REFUSED, 1),
        (404, "not_found", Exit.REFUSED, 1),
        (410, "invalid", Exit.REFUSED, 1),
        (304, "protocol", Exit.UNAVAILABLE, 1),
        (429, "rate_limit", Exit.UNAVAILABLE, 1),
        (500, "server", Exit.UNAVAILABLE, 2),
        (503, "server", Exit.UNAVAILABLE, 2),
    ],
)
def test_a_status_is_a_failure_of_its_kind(server: Loopback, status: int, kind: str, exit: Exit, tries: int) -> None:
    server.answer(status, body=f"<Error>{SECRET}</Error>".encode() if status != 304 else b"", type="application/xml")
    error = failure(f"{server.url}/1.png?{SECRET}", server.base_url)
    assert (error.failure.kind, error.failure.status, error.exit) == (kind, status, exit)
    assert error.message == f"127.0.0.1 answered {status}"
    assert len(server.received) == tries


def test_what_breaks_once_is_tried_once_more(server: Loopback) -> None:
    server.reset()
    server.answer(body=PNG, type="image/png")
    assert fetch(f"{server.url}/1.png", server.base_url).data == PNG
    server.forget()
    server.answer(502)
    server.answer(body=PNG, type="image/png")
    assert fetch(f"{server.url}/1.png", server.base_url).data == PNG


@pytest.mark.parametrize("reset", [True, False])
def test_a_picture_that_breaks_off_is_no_picture(server: Loopback, reset: bool) -> None:
    server.stream(PNG, cut_after=20, reset=reset, type="image/png")
    error = failure(f"{server.url}/1.png", server.base_url)
    assert (error.failure.kind, len(server.received)) == ("connection", 2)
    assert "127.0.0.1" in error.message
    assert error.hint == "run it again"


def test_no_bytes_are_no_picture(server: Loopback) -> None:
    server.answer(body=b"", type="image/png")
    assert failure(f"{server.url}/1.png", server.base_url).message == "127.0.0.1 answered with no bytes"


def test_a_size_that_is_announced_is_not_waited_for(server: Loopback) -> None:
    server.hang(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    error = failure(f"{server.url}/1.png", server.base_url)
    assert (error.failure.kind, error.message) == ("protocol", "127.0.0.1 sends more than 64 MB")


@pytest.mark.parametrize("packed", [False, True])
def test_no_more_is_read_than_a_picture_may_have(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(download, "MOST_BYTES", 1024 * 1024)
    data = bytes(8 * 1024 * 1024)
    if packed:
        server.answer(body=gzip.compress(data), headers={"Content-Encoding": "gzip"})
    else:
        server.stream(data, chunk=64 * 1024)
    assert failure(f"{server.url}/1.png", server.base_url).message == "127.0.0.1 sends more than 1 MB"


def test_packed_bytes_are_unpacked_once(server: Loopback) -> None:
    server.answer(body=zlib.compress(PNG), headers={"Content-Encoding": "deflate"})
    assert fetch(f"{server.url}/1.png", server.base_url).data == PNG
    server.forget()
    server.answer(body=gzip.compress(gzip.compress(PNG)), headers={"Content-Encoding": "gzip, gzip"})
    assert "more than once" in failure(f"{server.url}/1.png", server.base_url).message
    server.forget()
    server.answer(body=PNG, headers={"Content-Encoding": "gzip"})
    assert failure(f"{server.url}/1.png", server.base_url).failure.kind == "protocol"


@pytest.mark.parametrize("packing", ["br", "ZSTD"])
def test_bytes_that_may_become_gigabytes_at_once_are_not_unpacked(server: Loopback, packing: str) -> None:
    server.answer(body=PNG, headers={"Content-Encoding": packing})
    assert f"packed as {packing.lower()}" in failure(f"{server.url}/1.png", server.base_url).message


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_a_server_that_dribbles_is_given_up_at_the_deadline(server: Loopback, start: bytes) -> None:
    server.dribble((start or b"HTTP/1.1 200 OK\r\n") + b"x" * 1000, every=0.01)
    error = failure(f"{server.url}/1.png", server.base_url, seconds=0.4)
    assert error.failure.kind == "timeout"
    assert error.message.startswith("127.0.0.1 had not sent all of it after")


def test_a_silent_server_is_given_up_before_the_deadline(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr(download, "QUIET", 0.2)
    server.hang()
    error = failure(f"{server.url}/1.png", server.base_url)
    assert (error.failure.kind, error.message) == ("timeout", "127.0.0.1 took too long: no data for 0.2 s")


def test_past_the_deadline_nothing_is_asked(server: Loopback) -> None:
    assert failure(f"{server.url}/1.png", server.base_url, seconds=-1).failure.kind == "timeout"
    assert server.received == []


def test_past_the_deadline_no_name_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name server was asked"))
    assert failure("https://pictures.invalid/1.png", seconds=-1).failure.kind == "timeout"


def test_fetching_ends_when_the_work_shall(server: Loopback) -> None:
    server.hang(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    cancel = Cancel()

    def interrupt() -> None:
        while not server.received:
            time.sleep(0.01)
        cancel.ask()

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    assert failure(f"{server.url}/1.png", server.base_url, cancel=cancel).exit is Exit.INTERRUPTED
    interrupter.join()
    assert failure(f"{server.url}/1.png", server.base_url, cancel=cancel).failure.kind == "interrupted"
    assert len(server.received) == 1


NOWHERE = [
    "",
    "relative.png",
    "1.png",
    "https://",
    "https:///1.png",
    "file:///etc/passwd",
    "ftp://example.com/1.png",
    "data:image/png;base64,AAAA",
    "http://example.com/1.png",
    "https://user:password@example.com/1.png",
    "https://example.com:0/1.png",
    "https://example.com:99999/1.png",
    "https://example.com:x/1.png",
    "https://exam ple.com/1.png",
    "https://example.com\x00/1.png",
    f"https://{'a.' * 200}com/1.png",
    "https://[::1/1.png",
    "https://xn--a/1.png",
    "https://localhost/\ud800",
    "https://localhost/1.png",
    "https://LOCALHOST./1.png",
    "https://127.0.0.1/1.png",
    "https://2130706433/1.png",
    "https://0x7f.1/1.png",
    "https://[::1]/1.png",
    "https://[::ffff:127.0.0.1]/1.png",
    "https://169.254.169.254/latest/meta-data",
    "https://[fd00:ec2::254]/latest/meta-data",
    "https://10.0.0.1/1.png",
    "https://metadata.google.internal/1.png",
    "https://intranet/1.png",
]


@pytest.mark.parametrize("address", NOWHERE, ids=repr)
def test_no_address_leads_anywhere_but_to_the_internet(address: str) -> None:
    for near in (None, "https://api.example.com/v1", "http://127.0.0.1:8000/v1"):
        error = failure(f"{address}?{SECRET}", near)
        assert (error.failure.kind, error.exit) == ("invalid", Exit.REFUSED)
        assert len(error.message) < 400


@pytest.mark.parametrize(
    ("near", "address"),
    [
        ("https://127.0.0.1:8443/v1", "http://127.0.0.1:8443/1.png"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:9200/_shutdown"),
        ("http://10.0.0.1:8000/v1", "http://127.0.0.1:8000/1.png"),
        ("http://10.0.0.1:8000/v1", "http://10.0.0.2:8000/1.png"),
        ("http://10.0.0.1/v1", "https://10.0.0.1/1.png"),
        ("http://10.0.0.1/v1", "http://user@10.0.0.1/1.png"),
    ],
)
def test_only_the_endpoints_own_host_and_port_may_be_near(near: str, address: str) -> None:
    assert failure(address, near).failure.kind == "invalid"


def test_a_path_alone_is_one_on_the_endpoint(server: Loopback) -> None:
    server.answer(body=PNG)
    assert fetch("/made/1.png?a=b", server.base_url).data == PNG
    assert server.received[0].path == "/made/1.png?a=b"


@pytest.mark.parametrize("path", ["/1.png", "1.png", "//127.0.0.1/1.png", "/\\127.0.0.1/1.png", "/", "", "?a=b"])
def test_a_path_without_an_endpoint_or_a_form_leads_nowhere(path: str, server: Loopback) -> None:
    assert failure(path, None if path == "/1.png" else server.base_url).failure.kind == "invalid"
    assert not server.received


@pytest.mark.parametrize(
    "location",
    ["https://169.254.169.254/latest/meta-data", "https://localhost/", "http://example.com/", "/2.png", "//x"],
)
def test_the_endpoint_redirects_nowhere_but_to_the_internet(server: Loopback, location: str) -> None:
    server.redirect(location)
    assert failure(f"{server.url}/1.png", server.base_url).failure.kind == "invalid"
    assert len(server.received) == 1


Names = dict[str, list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What a name server says; of `a.example` that it is here."""
    known: Names = {"a.example": ["127.0.0.1"]}
    resolve = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if host not in known:
            return resolve(host, port, *rest, **options)
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in place], socket.SOCK_STREAM, 6, "", (place, port)) for place in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["169.254.169.254"],
        ["fe80::1%eth0"],
        ["93.184.216.34", "127.0.0.1"],
        ["::ffff:10.0.0.1"],
    ],
)
def test_a_name_that_stands_for_a_place_inside_is_not_connected_to(names: Names, addresses: list[str]) -> None:
    names["a.example"] = addresses
    error = failure(f"https://a.example/1.png?{SECRET}")
    assert error.failure.kind == "invalid"
    assert error.message == f"a.example ({addresses[-1]}) is no place on the public internet"


def test_a_name_that_stands_for_nothing_is_told() -> None:
    error = failure("https://pictures.invalid/1.png")
    assert (error.failure.kind, error.message) == ("connection", "unknown host pictures.invalid")


def test_the_endpoints_own_name_may_stand_for_a_place_inside(names: Names, server: Loopback) -> None:
    server.answer(body=PNG)
    near = f"http://a.example:{server.port}"
    assert fetch(f"{near}/1.png", f"{near}/v1").data == PNG
    assert server.received[0].headers["host"] == f"a.example:{server.port}"


class Encrypted(Loopback):
    """A server that speaks TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def site(self) -> str:
        return f"https://a.example:{self.port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `a.example`, which signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "a.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@pytest.fixture
def internet(names: Names, certificate: Path, fresh: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Encrypted]:
    """A server of the internet, for which 127.0.0.1 stands here, under the name `a.example`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    is_public = outside.is_public
    monkeypatch.setattr(outside, "is_public", lambda host: host == "127.0.0.1" or is_public(host))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Encrypted(context) as server:
        yield server


def test_an_address_on_the_internet_is_fetched_by_its_name(internet: Encrypted) -> None:
    internet.answer(body=PNG, type="image/png")
    assert fetch(f"{internet.site}/1.png").data == PNG
    assert internet.received[0].headers["host"] == f"a.example:{internet.port}"


def test_a_certificate_of_another_host_is_refused(internet: Encrypted, names: Names) -> None:
    names["b.example"] = ["127.0.0.1"]
    error = failure(f"https://b.example:{internet.port}/1.png")
    assert error.failure.kind == "connection"
    assert "no safe connection to b.example" in error.message
    assert internet.received == []


def test_an_address_that_cannot_be_reached_is_passed_over(internet: Encrypted, names: Names) -> None:
    internet.answer(body=PNG)
    names["a.example"] = ["::ffff:127.0.0.1", "127.0.0.1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outside, "is_public", lambda host: True)
        patch.setattr(socket, "create_connection", refusing("::ffff:127.0.0.1"))
        assert fetch(f"{internet.site}/1.png").data == PNG


def refusing(address: str) -> Any:
    connect = socket.create_connection

    def connect_elsewhere(place: tuple[str, int], *rest: Any, **options: Any) -> Any:
        if place[0] == address:
            raise OSError("Network is unreachable")
        return connect(place, *rest, **options)

    return connect_elsewhere


def test_some_redirects_are_followed_and_no_more(internet: Encrypted) -> None:
    for status, location in ((301, "/2"), (302, f"{internet.site}/3?x=1"), (308, "4.png")):
        internet.redirect(location, status)
    internet.answer(body=PNG)
    assert fetch(f"{internet.site}/1").data == PNG
    assert [request.path for request in internet.received] == ["/1", "/2", "/3?x=1", "/4.png"]
    internet.forget()
    internet.redirect("/again")
    error = failure(f"{internet.site}/1?{SECRET}")
    assert (error.failure.kind, error.message) == ("protocol", "more than 3 redirects lead to a.example")
    assert len(internet.received) == 4


def test_a_redirect_leads_neither_out_of_encryption_nor_home(internet: Encrypted, server: Loopback) -> None:
    server.answer(body=PNG)
    for location in (f"{server.url}/1.png", f"http://a.example:{internet.port}/1.png", "https://10.0.0.1/1.png"):
        internet.forget()
        internet.redirect(location)
        assert failure(f"{internet.site}/1.png", server.base_url).failure.kind == "invalid"
        assert len(internet.received) == 1
    assert server.received == []


def test_a_proxy_is_asked_for_public_names_alone(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    for host in ("localhost", "10.0.0.1", "intranet", "metadata.google.internal"):
        assert failure(f"https://{host}/1.png").failure.kind == "invalid"
    assert server.connections == 0
    error = failure("https://a.example/1.png")
    assert (error.failure.kind, server.connections) == ("connection", 2)
    assert "proxy" in error.message
