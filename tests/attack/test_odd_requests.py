"""Requests that are odd outside their bodies: methods, headers, uploads, bytes that are hardly HTTP."""

from __future__ import annotations

import socket

import httpx
import pytest

from .conftest import Api
from .doors import Door, every_door, name_of
from .ground import Company, differences, digest, faults, knock, own_address

HUGE = "9" * 40
JSON = {"content-type": "application/json"}
FORMS = {
    "no boundary": ("multipart/form-data", b"--x\r\n"),
    "nothing in it": ("multipart/form-data; boundary=x", b""),
    "cut off": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n',
    ),
    "no file": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    ),
    "no name": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"),
    "no disposition": ("multipart/form-data; boundary=x", b"--x\r\n\r\n1\r\n--x--\r\n"),
    "an odd character set": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: a/b; charset=x-99\r\n\r\n1\r\n--x--\r\n',
    ),
    "a boundary of rubbish": ("multipart/form-data; boundary=\xff\xfe", b"--x--"),
    "a very long boundary": ("multipart/form-data; boundary=" + "b" * 6000, b"--x--"),
    "a thousand parts": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2000 + b"--x--\r\n",
    ),
    "only no form": ("multipart/form-data; boundary=x", b'{"name": "A"}'),
    "many kinds of nothing": ("", b""),
    "a kind of rubbish": ("\xff", b"a"),
    "an empty file": ("text/csv", b""),
}


@pytest.mark.parametrize(("kind", "content"), FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("door", [door for door in every_door() if door.operation == "import"], ids=name_of)
def test_a_broken_upload_is_refused(door: Door, kind: str, content: bytes, attacker: Company) -> None:
    before = digest(attacker.erp, attacker.person.tenant_id)

    answer = knock(
        attacker.person, "POST", door.path, content=content, headers={"content-type": kind.encode("latin-1")}
    )

    assert faults(door, "upload", answer.response) == []
    assert 400 <= answer.status < 500
    assert differences(before, digest(attacker.erp, attacker.person.tenant_id)) == []


@pytest.mark.parametrize("door", every_door(), ids=name_of)
def test_a_method_that_the_address_does_not_take_is_refused(door: Door, attacker: Company) -> None:
    answer = knock(attacker.person, "PUT", own_address(attacker, door), content=b"{}", headers=JSON)

    assert (answer.status, answer.problem) == (405, "method_not_allowed")


HEADERS = [
    {"if-match": 'W/"x"'}, {"if-match": '"' + HUGE + '"'}, {"if-match": ""}, {"if-match": "\xff"},
    {"idempotency-key": ""}, {"idempotency-key": "x" * 201}, {"idempotency-key": "\xff"},
    {"accept-language": "x" * 5000}, {"accept-language": ";q=abc,,*;q=9"}, {"accept-language": "\xff"},
    {"x-request-id": "x" * 5000}, {"x-request-id": "\xff\xfe"}, {"accept": "image/png"}, {"accept-encoding": "\xff"},
    {"user-agent": "\xff" * 500}, {"if-none-match": "\xff"}, {"cookie": "session=1"},
    {"content-type": "\xff"}, {"content-type": "application/json; charset=utf-99"}, {"range": "bytes=0-0"},
]  # fmt: skip


@pytest.mark.parametrize("door", every_door(), ids=name_of)
def test_odd_headers_do_no_harm(door: Door, attacker: Company) -> None:
    address = own_address(attacker, door) if door.operation != "end_session" else door.address(session_id="x")
    before = digest(attacker.erp, attacker.person.tenant_id)
    wrong = []

    for headers in HEADERS:
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        body = b"" if door.method == "GET" else b"{]"
        answer = knock(attacker.person, "GET" if harmful(door) else door.method, address, headers=raw, content=body)
        wrong += faults(door, str(headers)[:60], answer.response)

    assert wrong == []
    if door.method == "GET" and not (door.resource is not None and door.resource.sensitive):
        assert differences(before, digest(attacker.erp, attacker.person.tenant_id)) == []


def harmful(door: Door) -> bool:
    """Tell whether the door acts without looking at a body, so that odd headers are sent as a GET instead."""
    return door.body is None and door.method != "GET"


RAW = [
    b"GET /api/v1/core/partners?q=\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /api/v1/core/\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /%zz%%%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET //etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET http://elsewhere.example/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST /api/v1/core/partners HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1/core/roles HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v1/core/partners HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"TRACE /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"BREW /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: raw[:40])
def test_what_is_hardly_http_is_no_fault_of_ours(raw: bytes, api: Api, client: httpx.Client) -> None:
    answered = exchange(api.port, raw)

    assert not answered.startswith(b"HTTP/1.1 5")
    assert client.get("/health").json() == {"status": "ok", "db": True, "redis": True}


def exchange(port: int, raw: bytes) -> bytes:
    """Send bytes as they are and give the first bytes of what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(raw)
        try:
            sock.shutdown(socket.SHUT_WR)
            return sock.recv(65536)
        except OSError:  # it shut the door already, which is an answer too
            return b""
