"""Twelve clients move stock at random for twenty seconds: no unit is made or lost, and nobody sees a deadlock."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
from sqlalchemy import text

from erp_core.kernel.context import Context
from erp_core.testing.environment import Erp, Person

CLIENTS, SECONDS = 12, 20.0
# A problem that says "not enough" is an answer; everything else would be a fault.
ANSWERS = {201, 409}

SUM_OF_BALANCES = "SELECT product_id, sum(on_hand) FROM inventory.balances WHERE tenant_id = :t GROUP BY 1"
WRONG_BALANCES = """
    WITH moved AS (
      SELECT to_location_id AS location_id, product_id, quantity FROM inventory.movements WHERE tenant_id = :t
      UNION ALL
      SELECT from_location_id, product_id, -quantity FROM inventory.movements WHERE tenant_id = :t
    ), expected AS (SELECT location_id, product_id, sum(quantity) AS on_hand FROM moved GROUP BY 1, 2)
    SELECT count(*) FROM expected e
    FULL JOIN (SELECT * FROM inventory.balances WHERE tenant_id = :t) b USING (location_id, product_id)
    WHERE e.on_hand IS DISTINCT FROM b.on_hand
"""
BELOW_ZERO = """
    SELECT count(*) FROM inventory.balances b JOIN inventory.locations l
    ON l.tenant_id = b.tenant_id AND l.id = b.location_id
    WHERE b.tenant_id = :t AND l.kind = 'internal' AND b.on_hand < 0
"""


def test_nothing_is_made_or_lost(erp: Erp, person: Person, start_api: Callable[[], Any]) -> None:
    locations, products = stocked(person)
    base = start_api().base
    before = deadlocks(erp)
    seen: Counter[int] = Counter()
    stop = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=move_at_random, args=(base, person, locations, products, stop, seen, seed))
        for seed in range(CLIENTS)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 30)

    assert set(seen) <= ANSWERS
    assert seen[201] > CLIENTS
    assert {product: total for product, total in rows(erp, person, SUM_OF_BALANCES) if total != 0} == {}
    assert rows(erp, person, WRONG_BALANCES) == [(0,)]
    assert rows(erp, person, BELOW_ZERO) == [(0,)]
    assert deadlocks(erp) == before


def stocked(person: Person) -> tuple[list[str], list[str]]:
    """Make four shelves and three products with a hundred pieces each on the first shelf."""
    known = {item["code"]: item["id"] for item in person.items("/core/units", params={"limit": "200"})}
    supplier = person.post("/core/locations", {"code": "PROV-X", "name": "Proveedor", "kind": "supplier"}).body["id"]
    shelves = [
        person.post("/core/locations", {"code": f"A{n}", "name": f"Anaquel {n}", "kind": "internal"}).body["id"]
        for n in range(4)
    ]
    products = [
        person.post("/core/products", {"sku": f"P{n}", "name": f"P{n}", "kind": "goods", "unit_id": known["PZA"]}).body[
            "id"
        ]
        for n in range(3)
    ]
    for product in products:
        body = {"lines": [line(product, supplier, shelves[0], 100)]}
        assert person.post("/core/moves", body).status == 201
    return [supplier, *shelves], products


def line(product: str, source: str, target: str, quantity: int) -> dict[str, str]:
    return {
        "product_id": product,
        "from_location_id": source,
        "to_location_id": target,
        "quantity": str(quantity),
    }


def move_at_random(
    base: str, person: Person, locations: list[str], products: list[str], stop: float, seen: Counter[int], seed: int
) -> None:
    dice = random.Random(seed)
    headers = {"authorization": f"Bearer {person.token}"}
    with httpx.Client(base_url=base, headers=headers, timeout=30) as http:
        while time.monotonic() < stop:
            lines = []
            for _ in range(dice.randint(1, 4)):
                source, target = dice.sample(locations, 2)
                lines.append(line(dice.choice(products), source, target, dice.randint(1, 9)))
            seen[http.post("/api/v1/core/moves", json={"lines": lines}).status_code] += 1


def rows(erp: Erp, person: Person, sql: str) -> list[Any]:
    def read(ctx: Context) -> list[Any]:
        return [tuple(row) for row in ctx.session.execute(text(sql), {"t": person.tenant_id})]

    return erp.units.run(erp.actor(person), read, read_only=True)


def deadlocks(erp: Erp) -> int:
    """Read PostgreSQL's own count: the kernel repeats a deadlocked write, so that answers alone would hide one."""
    sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with erp.units.engine.connect() as connection:
        return int(connection.scalar(text(sql)) or 0)
