"""An API process killed at any moment: what was sent with a key has its effect once, however often it is repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx

from erp_core.testing.environment import Person

CLIENTS, EACH = 6, 60


def warehouse(person: Person) -> dict[str, str]:
    """Make a supplier's location, a shelf and a product, and give their ids."""
    unit = next(item["id"] for item in person.items("/core/units", params={"limit": "200"}) if item["code"] == "PZA")
    supplier = person.post("/core/locations", {"code": "PROV", "name": "Proveedor", "kind": "supplier"}).body["id"]
    shelf = person.post("/core/locations", {"code": "A1", "name": "Anaquel", "kind": "internal"}).body["id"]
    product = person.post("/core/products", {"sku": "CLAVO", "name": "Clavo", "kind": "goods", "unit_id": unit}).body
    return {"supplier": supplier, "shelf": shelf, "product": product["id"]}


def move(ids: dict[str, str], quantity: int = 1) -> dict[str, Any]:
    line = {
        "product_id": ids["product"],
        "from_location_id": ids["supplier"],
        "to_location_id": ids["shelf"],
        "quantity": str(quantity),
    }
    return {"lines": [line]}


def on_hand(person: Person, ids: dict[str, str]) -> Decimal:
    levels = person.items("/core/stock_levels", params={"filter[location_id]": ids["shelf"]})
    return sum((Decimal(level["on_hand"]) for level in levels), Decimal(0))


def test_every_keyed_move_counts_once_although_the_api_is_killed(person: Person, start_api: Callable[[], Any]) -> None:
    ids = warehouse(person)
    api = start_api()
    base = api.base
    answered: list[str] = []
    stop = threading.Event()

    def client(number: int) -> None:
        headers = {"authorization": f"Bearer {person.token}"}
        with httpx.Client(base_url=base, headers=headers, timeout=5) as http:
            for n in range(EACH):
                key = f"{number}-{n}"
                while not stop.is_set():
                    try:
                        reply = http.post("/api/v1/core/moves", json=move(ids), headers={"idempotency-key": key})
                    except httpx.TransportError:
                        time.sleep(0.05)
                        continue
                    if reply.status_code == 201:
                        answered.append(key)
                        break
                    time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    kills = kill_now_and_then(api, start_api, answered)
    until = time.monotonic() + 60
    for thread in threads:
        thread.join(max(0.1, until - time.monotonic()))
    stop.set()

    assert kills == 3
    assert len(set(answered)) == CLIENTS * EACH
    assert on_hand(person, ids) == CLIENTS * EACH
    assert person.get("/core/movements?total=true&limit=1").body["total"] == CLIENTS * EACH


def kill_now_and_then(api: Any, start_api: Callable[[], Any], answered: list[str]) -> int:
    """Kill the API in the middle of the work, three times, each time after some more answers."""
    for kills in range(1, 4):
        until = time.monotonic() + 20
        while len(answered) < kills * CLIENTS * EACH // 5 and time.monotonic() < until:
            time.sleep(0.005)
        api.kill()
        api = start_api()
    return kills
