"""What is measured: for each row the requests that are sent, and the statements that the application makes of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from bench.dataset import FIRST_PARTNER, FIRST_PRODUCT, PARTNERS, PRODUCTS, SUPPLIER, WAREHOUSE, Bench
from bench.load import make_request
from bench.pgbench import numbered_id
from erp_core.inventory.posting import plan_moves
from erp_core.inventory.schemas import PostMoves
from erp_core.kernel.context import Actor
from erp_core.kernel.http.idempotency import keyed_calls
from erp_core.kernel.ids import new_id
from erp_core.kernel.queries.pipeline import Call, encode
from erp_core.kernel.resources.bodies import decode
from erp_core.kernel.resources.lists import parse_page
from erp_core.kernel.resources.sql import read_statement, shown_columns
from erp_core.kernel.resources.writes import plan_create
from erp_core.partners.resources import partners
from erp_core.partners.schemas import PartnerIn

_DIFFERENT = 4096
_LIST = "filter[is_customer]=true&sort=name&limit=50"
_PARTNER = {
    "name": "Ferretería El Tornillo", "legal_name": "Ferretería El Tornillo, S.A. de C.V.", "is_customer": True,
    "email": "compras@example.mx", "phone": "+52 33 3615 0000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``fixed`` and ``varied`` tell ``bench.pgbench`` which values stay and which change."""

    name: str
    title: str
    requests: Sequence[bytes]
    calls: Sequence[Call]
    fixed: frozenset[str]
    read_only: bool = False
    varied: Mapping[str, str] = field(default_factory=dict)
    variables: Sequence[str] = ()


def _actor(bench: Bench) -> Actor:
    return Actor(bench.tenant_id, bench.person.user_id, bench.application.permissions, str(new_id()), "127.0.0.1")


def _fixed(bench: Bench, *more: UUID) -> frozenset[str]:
    return frozenset(map(str, (bench.tenant_id, bench.person.user_id, *more)))


def _create(bench: Bench) -> Row:
    body = msgspec.json.encode(_PARTNER)
    data = decode(body, PartnerIn)
    calls = plan_create(partners, _actor(bench), data).calls
    varied = {data.code: "'B-' || {fresh}"}
    request = make_request("POST", partners.path, bench.person.token, body)
    return Row("create", "create partner", [request], calls, _fixed(bench), varied=varied)


def _create_keyed(bench: Bench) -> Row:
    actor, body = _actor(bench), msgspec.json.encode(_PARTNER)
    data = decode(body, PartnerIn)
    key = "one-key-of-many"
    calls = keyed_calls(plan_create(partners, actor, data), actor, key, b"f" * 32)
    lock = f"{actor.tenant_id}/{actor.user_id}/{key}"
    varied = {data.code: "'B-' || {fresh}", key: "'K-' || {fresh}", lock: "'L-' || {fresh}"}
    plain = make_request("POST", partners.path, bench.person.token, body)
    # Every request needs a key of its own; a million of them is more than a run sends.
    keyed = _Numbered(plain.replace(b"\r\ncontent-type", b"\r\nidempotency-key: %012d\r\ncontent-type", 1))
    return Row("create-keyed", "create partner, with an Idempotency-Key", keyed, calls, _fixed(bench), varied=varied)


class _Numbered(Sequence[bytes]):
    """Requests that differ in one number."""

    def __init__(self, pattern: bytes) -> None:
        self._pattern = pattern
        self._number = 0

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: object) -> bytes:  # type: ignore[override]
        self._number += 1
        return self._pattern % self._number


def _read(bench: Bench) -> Row:
    one = numbered_id(FIRST_PARTNER)
    calls = [Call(read_statement(partners, shown_columns(partners)), [encode(bench.tenant_id), encode(one)])]
    ids = random.Random(1).choices(range(PARTNERS), k=_DIFFERENT)
    requests = [
        make_request("GET", f"{partners.path}/{numbered_id(FIRST_PARTNER + n)}", bench.person.token) for n in ids
    ]
    varied = {str(one): "lpad(:partner, 32, '0')"}
    pick = f"\\set partner random({FIRST_PARTNER}, {FIRST_PARTNER + PARTNERS - 1})"
    return Row("read", "read partner", requests, calls, _fixed(bench), read_only=True, varied=varied, variables=[pick])


def _list(bench: Bench) -> Row:
    calls = parse_page(partners, bench.application.resources, _actor(bench), parse_qsl(_LIST)).calls(bench.tenant_id)
    request = make_request("GET", f"{partners.path}?{_LIST}", bench.person.token)
    return Row(
        "list", "list 50 of 10,000 partners, filtered and sorted", [request], calls, _fixed(bench), read_only=True
    )


def _move(bench: Bench, name: str, title: str, products: int) -> Row:
    calls = plan_moves(_actor(bench), decode(_move_body(numbered_id(FIRST_PRODUCT)), PostMoves)).calls
    ids = random.Random(2).choices(range(products), k=_DIFFERENT if products > 1 else 1)
    requests = [
        make_request("POST", "/api/v1/core/moves", bench.person.token, _move_body(numbered_id(FIRST_PRODUCT + n)))
        for n in ids
    ]
    varied = {str(numbered_id(FIRST_PRODUCT)): "lpad(:product, 32, '0')"}
    pick = f"\\set product random({FIRST_PRODUCT}, {FIRST_PRODUCT + products - 1})"
    return Row(name, title, requests, calls, _fixed(bench, SUPPLIER, WAREHOUSE), varied=varied, variables=[pick])


def _move_body(product: UUID) -> bytes:
    line = {"product_id": product, "from_location_id": SUPPLIER, "to_location_id": WAREHOUSE, "quantity": "1"}
    return msgspec.json.encode({"lines": [line], "document": "OC-2026-00017", "reason": "Compra"})


ROWS: dict[str, Callable[[Bench], Row]] = {
    "create": _create,
    "read": _read,
    "list": _list,
    "move": lambda bench: _move(bench, "move", "post a stock move (1 line, 1,000 products)", PRODUCTS),
    "move-hot": lambda bench: _move(bench, "move-hot", "post a stock move (1 line, 1 product)", 1),
    "create-keyed": _create_keyed,
}
# What a run without names measures.
USUAL = ("create", "read", "list", "move", "move-hot")
