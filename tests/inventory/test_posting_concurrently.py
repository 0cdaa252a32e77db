"""Many postings at once: nothing is lost, nothing goes below zero, nobody waits in a ring."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg

from erp_core.inventory import errors, services
from erp_core.inventory.posting import plan_moves
from erp_core.inventory.schemas import PostMoves
from erp_core.kernel.context import Context
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.pool import Pool

Company = Any
PLACES = ("supplier", "customer", "shelf", "store")
SECONDS = 4.0
WORKERS = 8


def deadlocks(database: Any) -> int:
    with psycopg.connect(database.url(), autocommit=True) as connection:
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0])


async def post_at_random(
    pool: Pool, company: Company, products: list[Any], counts: dict[str, int], until: float, seed: int
) -> None:
    chance = random.Random(seed)
    while time.monotonic() < until:
        lines = []
        for _ in range(chance.randint(1, 4)):
            source, target = chance.sample(PLACES, 2)
            lines.append(company.line(chance.choice(products), Decimal(chance.randint(1, 400)) / 100, source, target))
        plan = plan_moves(company.actor, PostMoves(lines=lines))
        try:
            await pool.run(company.actor.tenant_id, plan.calls)
            counts["posted"] += 1
            counts["lines"] += len(lines)
        except DatabaseError as error:
            problem = plan.refuse(error) if plan.refuse is not None else None
            if not isinstance(problem, errors.InsufficientStock):
                raise
            counts["refused"] += 1


async def run_workers(database: Any, company: Company, products: list[Any]) -> dict[str, int]:
    counts = {"posted": 0, "lines": 0, "refused": 0}
    pool = Pool(database.url("erp_app"), size=WORKERS)
    await pool.open()
    until = time.monotonic() + SECONDS
    await asyncio.gather(*(post_at_random(pool, company, products, counts, until, seed) for seed in range(WORKERS)))
    await pool.close()
    return counts


def test_random_postings_on_a_few_keys_lose_nothing(database: Any, company: Company) -> None:
    products = [company.product() for _ in range(3)]
    before = deadlocks(database)

    counts = asyncio.run(run_workers(database, company, products))

    print(f"{counts} in {SECONDS} s")
    assert counts["posted"] > 0
    assert counts["refused"] > 0
    assert company.count("inventory.movements") == counts["lines"]
    assert company.rows("SELECT sum(on_hand) FROM inventory.balances") == [(Decimal(0),)]
    assert company.rows("SELECT 1 FROM inventory.balances WHERE on_hand < 0 AND NOT may_go_negative") == []
    assert company.rows(WRONG_BALANCES) == []
    assert deadlocks(database) == before


WRONG_BALANCES = """
SELECT location_id, product_id FROM inventory.balances b
FULL JOIN (
    SELECT location_id, product_id, sum(quantity) AS moved FROM (
        SELECT to_location_id AS location_id, product_id, quantity FROM inventory.movements
        UNION ALL
        SELECT from_location_id, product_id, -quantity FROM inventory.movements
    ) m GROUP BY location_id, product_id
) s USING (location_id, product_id)
WHERE b.on_hand IS DISTINCT FROM s.moved
"""


def test_first_postings_of_a_product_at_once_open_each_balance_once(database: Any, company: Company) -> None:
    async def receive_all_at_once(product: Any) -> None:
        plans = [
            plan_moves(company.actor, PostMoves(lines=[company.line(product, "1", "supplier", "shelf")]))
            for _ in range(WORKERS)
        ]
        await asyncio.gather(*(pool.run(company.actor.tenant_id, plan.calls) for plan in plans))

    async def many_products() -> None:
        await pool.open()
        for product in products:
            await receive_all_at_once(product)
        await pool.close()

    pool = Pool(database.url("erp_app"), size=WORKERS)
    products = [company.product() for _ in range(40)]

    asyncio.run(many_products())

    assert {company.on_hand(product) for product in products} == {Decimal(WORKERS)}
    assert company.rows(WRONG_BALANCES) == []


def test_the_last_piece_goes_to_one_of_many(database: Any, company: Company) -> None:
    async def take_at_once() -> list[Any]:
        await pool.open()
        answers = await asyncio.gather(
            *(pool.run(company.actor.tenant_id, plan.calls) for plan in plans), return_exceptions=True
        )
        await pool.close()
        return answers

    product = company.product()
    company.receive(product, "5")
    plans = [
        plan_moves(company.actor, PostMoves(lines=[company.line(product, "3", "shelf", "customer")])) for _ in range(6)
    ]
    pool = Pool(database.url("erp_app"), size=WORKERS)

    answers = asyncio.run(take_at_once())

    refused = [answer for answer in answers if isinstance(answer, DatabaseError)]
    assert len(refused) == 5
    assert company.on_hand(product) == 2


def test_archiving_a_location_and_posting_to_it_wait_for_each_other(
    database: Any, company: Company, units: Any, new_company: Callable[[], Company]
) -> None:
    product = company.product()

    async def post() -> Any:
        await pool.open()
        plan = plan_moves(company.actor, PostMoves(lines=[company.line(product, "1", "supplier", "store")]))
        running = asyncio.ensure_future(pool.run(company.actor.tenant_id, plan.calls))
        await asyncio.sleep(0.3)
        waited = not running.done()
        close()
        (answer,) = await asyncio.gather(running, return_exceptions=True)
        await pool.close()
        return waited, plan.refuse(answer)  # type: ignore[misc]

    def close() -> None:
        opened.__exit__(None, None, None)

    pool = Pool(database.url("erp_app"), size=1)
    opened = units.open(company.actor)
    ctx: Context = opened.__enter__()
    services.archive_location(ctx, company.places["store"])
    ctx.session.flush()

    waited, problem = asyncio.run(post())

    assert waited
    assert isinstance(problem, errors.ArchivedLocation)
    assert company.on_hand(product, "store") == 0
