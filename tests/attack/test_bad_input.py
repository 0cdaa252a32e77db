"""Bad input on every address: always a problem document with a code, never a fault of ours, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import inspect

from erp_core.testing.environment import Person

from .doors import Door, every_door, name_of
from .ground import (
    Company,
    action_body,
    differences,
    digest,
    faults,
    knock,
    new_body,
    own_address,
    unknown_id,
)

JSON = {"content-type": "application/json"}
WRITES = [door for door in every_door() if door.body is not None]
DEEP = 10_000
HUGE = "9" * 40


@dataclass(frozen=True, slots=True)
class Shot:
    """One hostile request: what is wrong with it, and what it sends."""

    what: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    query: str = ""
    path: str = ""


def bodies_that_are_no_json() -> Iterator[Shot]:
    """Give bodies that no decoder can read."""
    yield Shot("empty body")
    yield Shot("cut off", b'{"name": "A", ')
    yield Shot("not UTF-8", b'{"name": "\xff\xfe"}')
    yield Shot("NaN", b'{"a": NaN}')
    yield Shot("deep lists", b"[" * DEEP + b"]" * DEEP)
    yield Shot("deep objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP)
    yield Shot("deep lists in a field", b'{"items":' + b"[" * DEEP + b"]" * DEEP + b"}")
    yield Shot("form", b"name=A", {"content-type": "application/x-www-form-urlencoded"})
    yield Shot("XML", b"<a/>", {"content-type": "application/xml"})
    yield Shot("broken form with files", b"--x\r\nnothing", {"content-type": "multipart/form-data; boundary=x"})
    yield Shot("form with files and no boundary", b"--x\r\n", {"content-type": "multipart/form-data"})
    yield Shot("claims to be compressed", b"\x1f\x8b\x08", {**JSON, "content-encoding": "gzip"})


def bodies_of_the_wrong_shape(good: dict[str, Any]) -> Iterator[Shot]:
    """Give JSON that is no body of the door."""
    for text in ("null", "[]", "7", '"a"', "true", "{}", "[{}]", "1e400", HUGE, '"\\ud800"'):
        yield Shot(text[:20], text.encode())
    yield Shot("unknown field", encoded({"no_such_field": 1, **good}))
    yield Shot("field with an odd name", encoded({"a`b.c[0]~/\u0007": 1, **good}))
    yield Shot("a surrogate as a field's name", b'{"\\ud800": 1}')
    yield Shot("a field of Python's", encoded({"__class__": {"__init__": 1}, **good}))


def encoded(body: Any) -> bytes:
    """Write JSON with lone surrogates as escapes."""
    return json.dumps(body).encode()


WRONG: dict[str, str] = {
    "null": "null",
    "number": "7.25",
    "huge number": HUGE,
    "beyond floats": "1e400",
    "negative": "-" + HUGE,
    "true": "true",
    "list": "[]",
    "object": "{}",
    "list of lists": "[[[]]]",
    "very long text": '"' + "x" * 100_000 + '"',
    "surrogate": '"\\ud800"',
    "pair the wrong way round": '"\\udc00\\ud800"',
    "null character": '"a\\u0000b"',
    "empty text": '""',
    "not a number": '"NaN"',
    "infinity": '"Infinity"',
    "absurd exponent": '"1e1000000"',
    "tiny exponent": '"1e-1000000"',
    "many digits": '"' + "9" * 200 + '"',
    "year zero": '"0000-00-00"',
    "far year": '"9999-12-31T23:59:60Z"',
    "time without its zone": '"2026-05-05T00:00:00"',
    "zone beyond all zones": '"2026-05-05T00:00:00-21:35"',
    "statement": '"\'; DROP TABLE core.partners; --"',
    "control characters": '"\\u0007\\u001b[2J\\r\\nset-cookie: a=b"',
    "braces": '"{reason} %s {0.__class__}"',
    "other alphabets": '"\\u202e\\u0000\\ud83d\\ude00"',
}
# These are refused for every field of every type, so that an answer below 400 would be a fault.
NEVER_GOOD = {"beyond floats", "surrogate", "null character", "other alphabets"}
NO_NUMBERS = {"not a number", "infinity"}


def with_value(good: dict[str, Any], name: str, raw: str) -> bytes:
    """Write a body with one field's value given as raw JSON."""
    rest = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in good.items() if key != name]
    return ("{" + ",".join([f"{json.dumps(name)}:{raw}", *rest]) + "}").encode()


def good_body(company: Company, door: Door) -> dict[str, Any]:
    """Give a body that the door takes."""
    if door.operation == "bulk":
        return {"mode": "all", "items": [{"action": "archive", "id": unknown_id()}]}
    if door.resource is not None:
        return new_body(company, door.resource) if door.operation == "create" else {}
    return action_body(company, door)


@pytest.mark.parametrize("door", WRITES, ids=name_of)
def test_what_is_no_body_of_the_door_is_refused(door: Door, attacker: Company) -> None:
    address = own_address(attacker, door)
    good = good_body(attacker, door)
    before = digest(attacker.erp, attacker.person.tenant_id)
    wrong = []

    for shot in (*bodies_that_are_no_json(), *bodies_of_the_wrong_shape(good)):
        answer = knock(attacker.person, door.method, address, content=shot.content, headers=shot.headers)
        wrong += faults(door, shot.what, answer.response)
        if answer.status < 400 and shot.content != b"{}":
            wrong.append(f"{door.name}, {shot.what}: taken with {answer.status}")

    assert wrong == []
    if door.operation != "reverse_movement":
        assert differences(before, digest(attacker.erp, attacker.person.tenant_id)) == []


@pytest.mark.parametrize("door", WRITES, ids=name_of)
def test_a_wrong_value_in_any_field_is_refused_or_stored_as_it_is(
    door: Door, someone: Person, attacker: Company
) -> None:
    address = own_address(attacker, door)
    good = good_body(attacker, door)
    wrong = []

    for item in inspect.type_info(door.body).fields:
        for what, raw in WRONG.items():
            shot = Shot(f"{item.encode_name} {what}", with_value(good, item.encode_name, raw))
            answer = knock(attacker.person, door.method, address, content=shot.content, headers=shot.headers)
            wrong += faults(door, shot.what, answer.response)
            never = NEVER_GOOD | NO_NUMBERS if has_numbers(item.type) else NEVER_GOOD
            if answer.status < 400 and what in never:
                wrong.append(f"{door.name}, {shot.what}: taken with {answer.status}")

    assert wrong == []


def has_numbers(kind: Any) -> bool:
    """Tell whether a field takes exact numbers, as texts."""
    if isinstance(kind, inspect.UnionType):
        return any(has_numbers(one) for one in kind.types)
    return isinstance(kind, inspect.DecimalType) or (isinstance(kind, inspect.Metadata) and has_numbers(kind.type))


@pytest.mark.parametrize("door", [door for door in WRITES if door.operation != "update"], ids=name_of)
def test_a_missing_field_is_refused_by_its_name(door: Door, attacker: Company) -> None:
    address = own_address(attacker, door)
    good = good_body(attacker, door)
    before = digest(attacker.erp, attacker.person.tenant_id)

    for item in inspect.type_info(door.body).fields:
        if item.required:
            body = {name: value for name, value in good.items() if name != item.encode_name}
            answer = attacker.person.call(door.method, address, json=body)
            assert (answer.status, answer.body["code"]) == (422, "invalid_input"), answer.response.text
            assert answer.body["pointer"] == f"/{item.encode_name}"
    assert differences(before, digest(attacker.erp, attacker.person.tenant_id)) == []


@pytest.mark.parametrize("door", [door for door in every_door() if door.parameters], ids=name_of)
def test_what_is_no_id_in_the_path_names_nothing(door: Door, attacker: Company) -> None:
    odd = [
        "x",
        "0",
        "-1",
        "a" * 6000,
        "%00",
        "%ff%fe",
        "%F0%9F%98%80",
        "..%2f..%2fetc%2fpasswd",
        "%0d%0aset-cookie:%20a=b",
    ]
    odd += ["';%20DROP%20TABLE%20core.partners;--", "{id}", "%7B0%7D", "00000000-0000-0000-0000-000000000000%20"]
    wrong = []

    for text in odd:
        address = door.address(**dict.fromkeys(door.parameters, text))
        answer = knock(attacker.person, door.method, address, content=b"{}", headers=JSON)
        wrong += faults(door, text[:40], answer.response)
        if answer.status < 400 and door.operation != "decode_vin":
            wrong.append(f"{door.name}, {text[:40]}: {answer.status}")
        if "set-cookie" in answer.response.headers:
            wrong.append(f"{door.name}: a header was injected")

    assert wrong == []


QUERIES = [
    "limit=0", "limit=-1", "limit=201", "limit=abc", "limit=1e3", "limit=" + "9" * 5000, "limit=000000000999",
    "limit=%D9%A1", "limit=1&limit=2",
    "cursor=x", "cursor=%00", "cursor=" + "A" * 8000, "cursor=W10", "cursor=%F0%9F%98%80",
    "sort=x", "sort=-", "sort=--created_at", "sort=created_at;select", "sort=tenant_id", "sort=%00",
    "fields=x", "fields=tenant_id", "fields=id,tenant_id", "fields=" + "id," * 3000, "fields=",
    "include=x", "include=tenant", "include=__class__", "q=%00", "q=", "q=" + "x" * 300, "q=%25_%5C'", "q=%ff%fe",
    "total=1", "archived=maybe", "lang=xx", "lang=" + "x" * 3000, "filter", "filter[]=1", "filter[x]=1",
    "filter[tenant_id]=1", "filter[id][like]=1", "filter[id", "filter[a`b][eq]=1", "unknown=1", "=", "&&&", "%ff=%fe",
    "dry_run=maybe", "format=exe", "a=" + "b" * 12_000, "x[]=1;y=2", "\xff\xfe=1",
]  # fmt: skip


@pytest.mark.parametrize("door", [door for door in every_door() if door.method == "GET"], ids=name_of)
def test_an_odd_query_is_refused_or_passed_over(door: Door, attacker: Company) -> None:
    address = own_address(attacker, door)
    wrong = []

    for query in [*QUERIES, *filters_of(door)]:
        answer = knock(attacker.person, "GET", f"{address}?{query}")
        wrong += faults(door, query[:60], answer.response)

    assert wrong == []


def filters_of(door: Door) -> Iterator[str]:
    """Give odd values for each filter and each parameter that the door offers."""
    names = [f"filter[{name}]" for name in door.resource.filters] if door.resource is not None else []
    names += list(door.query.__struct_fields__) if door.query is not None else []
    values = [
        "",
        "x",
        "%00",
        HUGE,
        "-" + HUGE,
        "1e400",
        "NaN",
        "%ff",
        "null",
        "0001-01-01",
        "9999-12-31T23:59:59%2B00:00",
    ]
    values += ["2026-01-01T00:00:00", "2026-01-01T00:00:00-21:35", "true,false", "a" * 5000, "'%3B select 1"]
    for name in names:
        for value in values:
            yield f"{name}={value}"
            if name.startswith("filter"):
                yield from (f"{name}[{operator}]={value}" for operator in ("in", "gt", "null"))


@pytest.mark.parametrize("limit", ["000000001000", "000000001" + "0" * 5000, "0" * 5000 + "1"])
@pytest.mark.parametrize("door", [door for door in every_door() if door.operation == "list"], ids=name_of)
def test_a_list_never_gives_more_rows_than_it_may(door: Door, limit: str, attacker: Company) -> None:
    answer = attacker.person.get(f"{door.path}?limit={limit}")

    assert answer.status in {200, 400}, answer.response.text
    assert answer.status == 400 or int(limit.lstrip("0")) <= 200


@pytest.mark.parametrize("door", [door for door in every_door() if door.operation == "export"], ids=name_of)
def test_an_export_that_cannot_be_made_is_refused_before_it_begins(door: Door, attacker: Company) -> None:
    from erp_core.kernel.resources.lists import encode_cursor

    resource = door.resource
    assert resource is not None
    column = resource.default_sort.removeprefix("-")
    sort = (resource.sort_by.get(column, column), resource.default_sort.startswith("-"))
    forged = encode_cursor(sort, b"no-such-moment", unknown_id().encode()).decode()

    listed = attacker.person.get(resource.path, params={"cursor": forged})
    exported = attacker.person.get(door.path, params={"cursor": forged})

    assert listed.status in {200, 400, 422}
    assert exported.status in {400, 422}
