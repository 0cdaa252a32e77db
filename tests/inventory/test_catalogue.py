"""Partners, products and the demo companies on a real database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import MetaData, inspect

from erp_core.inventory import demo as stock_demo
from erp_core.inventory.resources import RESOURCES as STOCK
from erp_core.kernel.context import Context
from erp_core.kernel.database.model import Base
from erp_core.kernel.errors import UnknownReference
from erp_core.kernel.ids import new_id
from erp_core.kernel.resources.declaration import ALWAYS, Resource
from erp_core.partners import demo as partner_demo
from erp_core.partners import services as partner_services
from erp_core.partners.iso import COUNTRIES, CURRENCIES
from erp_core.partners.resources import RESOURCES as PARTNERS
from erp_core.products import demo as product_demo
from erp_core.products.errors import CategoryCycle
from erp_core.products.models import Category
from erp_core.products.resources import RESOURCES as PRODUCTS
from erp_core.products.rules import STANDARD_UNITS
from erp_core.products.services import seed_units, update_category

Company = Any
EVERY = [*PARTNERS, *PRODUCTS, *STOCK]


def test_the_lists_of_currencies_and_countries_are_those_of_the_code(company: Company) -> None:
    currencies = company.run(partner_services.list_currencies)
    countries = company.run(partner_services.list_countries)

    assert {one.code: one.digits for one in currencies} == CURRENCIES
    assert {one.code: (one.name, one.name_en) for one in countries} == COUNTRIES


def test_seeding_the_units_twice_adds_nothing(company: Company) -> None:
    company.run(seed_units)

    assert company.count("core.units") == len(STANDARD_UNITS)


@pytest.mark.parametrize("load", ["demo_builder", "demo_shop"])
def test_the_demo_loads_and_loading_it_again_changes_nothing(new_company: Callable[[], Company], load: str) -> None:
    company = new_company()
    tables = ("core.partners", "core.products", "core.categories", "inventory.locations", "inventory.movements")

    def run() -> list[int]:
        for module in (partner_demo, product_demo, stock_demo):
            company.run(getattr(module, load))
        return [company.count(table) for table in tables]

    first = run()

    assert run() == first
    assert all(first)
    assert company.rows("SELECT 1 FROM inventory.balances WHERE on_hand < 0 AND NOT may_go_negative") == []


def add_category(company: Company, code: str, parent: Any = None) -> Any:
    category_id = new_id()

    def add(ctx: Context) -> None:
        ctx.session.add(Category(tenant_id=ctx.tenant_id, id=category_id, code=code, name=code, parent_id=parent))

    company.run(add)
    return category_id


def test_a_category_cannot_lie_below_itself(company: Company) -> None:
    top = add_category(company, "A")
    middle = add_category(company, "B", top)
    bottom = add_category(company, "C", middle)

    for parent in (top, middle, bottom):
        with pytest.raises(CategoryCycle):
            company.run(update_category, top, {"parent_id": parent})
    company.run(update_category, bottom, {"parent_id": top, "name": "Ce"})

    assert company.rows("SELECT name, parent_id FROM core.categories WHERE code = 'C'") == [("Ce", top)]


def test_a_category_below_an_unknown_one_is_refused(company: Company) -> None:
    top = add_category(company, "A")

    with pytest.raises(UnknownReference):
        company.run(update_category, top, {"parent_id": new_id()})


def test_search_keys_have_no_case_and_no_accents(company: Company) -> None:
    company.product("ÁRNICA-1", name="Pomada de Árnica")

    assert company.rows("SELECT name_key FROM core.products WHERE sku = 'ÁRNICA-1'") == [
        ("pomada de arnica arnica-1 ",)
    ]


@pytest.mark.parametrize("resource", EVERY, ids=lambda resource: str(resource.name))
def test_every_filter_and_sort_leads_an_index(resource: Resource) -> None:
    table = resource.model.metadata.tables[f"{resource.model.__table__.schema}.{resource.model.__table__.name}"]  # type: ignore[attr-defined]
    led = {tuple(column.name for column in index.columns)[:2] for index in table.indexes}
    led |= {
        tuple(c.name for c in key.columns)[:2] for key in table.constraints if getattr(key, "columns", None) is not None
    }
    needed = {*resource.filters, *(resource.sort_by.get(name, name) for name in resource.sorts)}

    assert {name for name in needed if ("tenant_id", name) not in led} == set()
    assert {name for name in resource.read if name not in table.c} == set()
    assert all(not table.c[resource.sort_by.get(name, name)].nullable for name in resource.sorts)
    assert not set(resource.read) & set(ALWAYS) - {"updated_at"}


def test_models_and_migrations_agree(units: Any) -> None:
    with units.engine.connect() as connection:
        for table in _ours(Base.metadata):
            found = inspect(connection)
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name, table.schema)}
            names = {key["name"] for key in found.get_foreign_keys(table.name, table.schema)}
            names |= {key["name"] for key in found.get_check_constraints(table.name, table.schema)}
            names |= {index["name"] for index in found.get_indexes(table.name, table.schema)}
            names |= {found.get_pk_constraint(table.name, table.schema)["name"]}
            expected = {str(key.name) for key in table.constraints} | {str(index.name) for index in table.indexes}
            assert columns == {column.name: column.nullable for column in table.columns}, table.name
            assert names == expected, table.name


def _ours(metadata: MetaData) -> list[Any]:
    modules = ("erp_core.partners", "erp_core.products", "erp_core.inventory")
    return [mapper.local_table for mapper in Base.registry.mappers if mapper.class_.__module__.startswith(modules)]
