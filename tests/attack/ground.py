"""Two companies full of data behind one real API, and ways to see whether anything in them changed."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import inspect
from sqlalchemy import Index, Table, UniqueConstraint

from erp_core.kernel.database.model import Base
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import table_of
from erp_core.testing.environment import Erp, Person, Reply, installed_plugins

from .doors import Door, declared

# Bodies of actions whose fields do not tell what would be accepted.
EXAMPLES: dict[str, dict[str, Any]] = {
    "core.sign_in": {"email": "nadie@erp.example", "password": "no-es-esta-clave"},
    "core.switch_tenant": {"tenant": "no-existe"},
    "core.change_password": {"old_password": "no-es-esta-clave", "password": "otra-clave-larga-9"},
    "core.create_member": {"email": "nueva@erp.example", "name": "Nueva"},
    "core.create_role": {"name": "nuevo", "label": "Nuevo", "permissions": ["core.partners.read"]},
    "core.update_role": {"label": "Otro nombre"},
    "mecanicas.take_reading": {"km": "999999"},
}


def new_key() -> str:
    """Make a public key such as a till shows when it is enrolled."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(slots=True)
class Company:
    """A company with demo data of every package, and somebody in it who may do everything."""

    erp: Erp
    person: Person
    ids: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)

    def row(self, resource: Resource) -> dict[str, Any]:
        """Give one of the company's objects; a resource without demo data cannot be attacked, which is a failure."""
        if resource.name not in self.rows:
            self.rows[resource.name] = self.person.items(resource.path, params={"limit": "200", "archived": "include"})
        found = self.rows[resource.name]
        assert found, f"there are no {resource.plural.en}: let the demo data or `what_the_demo_lacks` make one"
        return found[0]

    def id_for(self, name: str) -> str:
        """Give the id of an object of the kind that a field or a path parameter names (``from_location_id``)."""
        kind = name.removesuffix("_ids").removesuffix("_id")
        if kind in self.ids:
            return self.ids[kind][0]
        for resource in declared().resources.values():
            plural = resource.plural_name
            singulars = {plural.removesuffix("s"), plural.removesuffix("es"), re.sub("ies$", "y", plural)}
            if any(kind == one or kind.endswith(f"_{one}") for one in singulars):
                return str(self.row(resource)["id"])
        message = f"nobody knows where an id called {name} comes from: name it in `people_and_jobs`"
        raise AssertionError(message)


def fill(erp: Erp, client: httpx.Client) -> Company:
    """Open a company, load every package's demo data into it, and note the ids of what is no resource."""
    person = erp.open_tenant()
    person.http = client
    for _, step in erp.application.demo:
        erp.units.run(erp.actor(person), step.load)
    company = Company(erp, person)
    company.ids = people_and_jobs(company)
    what_the_demo_lacks(company)
    # Reading them all now keeps later looks at them out of the log of sensitive reads.
    for resource in declared().resources.values():
        company.row(resource)
        page = person.get(resource.path, params={"limit": "1", "archived": "include"}).body
        company.cursors[resource.name] = page["next_cursor"]
    return company


def what_the_demo_lacks(company: Company) -> None:
    """Make an object of each resource that no demo data hold."""
    partner = company.id_for("partner_id")
    body = {"partner_id": partner, "kind": "clabe", "value": "032180000118359719"}
    assert company.person.post("/core/partner_tax_ids", body).status == 201


def people_and_jobs(company: Company) -> dict[str, list[str]]:
    """Make and list what is addressed by id but is no resource."""
    person = company.person
    started = person.call(
        "POST",
        "/core/partners/import?dry_run=true",
        content=b"name,kind\nA,company\n",
        headers={"content-type": "text/csv"},
    )
    assert started.status == 202, started.response.text
    member = company.erp.sign_in(person.tenant_slug, permissions=["core.partners.read"])
    return {
        "job": [str(started.body["job_id"])],
        "user": [str(member.user_id)],
        "role": [str(role["id"]) for role in person.items("/core/roles")],
        "session": [str(one["id"]) for one in person.get("/core/auth/sessions").body["items"]],
        "reverses": [str(row["id"]) for row in person.items("/core/movements")],
    }


def knock(person: Person, method: str, address: str, **options: Any) -> Reply:
    """Send a request with the person's token to exactly this address."""
    headers = {"authorization": f"Bearer {person.token}"} | dict(options.pop("headers", None) or {})
    return Reply(person.http.request(method, address, headers=headers, **options))


@cache
def tenant_tables() -> list[str]:
    """Name every table of all packages whose rows belong to a tenant, but for what only sessions write."""
    schemas = {name for plugin in installed_plugins().enabled for name in plugin.manifest.schemas}
    # Other tests of the same process declare tables of their own, which no database of ours has.
    return sorted(t.fullname for t in Base.metadata.tables.values() if "tenant_id" in t.c and t.schema in schemas)


def digest(erp: Erp, tenant_id: UUID) -> dict[str, tuple[int, int]]:
    """Count a company's rows and sum their hashes, table by table, behind the back of row-level security."""
    parts = [
        f"SELECT '{name}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {name} t"
        f" WHERE tenant_id = '{tenant_id}'"
        for name in tenant_tables()
    ]
    with psycopg.connect(str(erp.application.addresses.admin)) as connection:
        return {name: (count, total) for name, count, total in connection.execute(" UNION ALL ".join(parts))}


def differences(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], *, but: tuple[str, ...] = ()
) -> list[str]:
    """List the tables that changed between two digests, ``but`` for some."""
    names = [name for name in before if before[name] != after[name] and name not in but]
    return [f"{name}: {before[name][0]} rows, now {after[name][0]}" for name in names]


def said(answer: Reply, asked: str = "") -> str:
    """Give what an answer says without what tells one request from another; ``asked`` is the id that was sent."""
    text = re.sub(r'"request_id":"[^"]*"', "", answer.response.text)
    return text.replace(asked, "(the id)") if asked else text


def unique_columns(table: Table) -> set[str]:
    """Name the columns that are part of some unique key."""
    keys: list[Any] = [*table.constraints, *table.indexes]
    unique = [key for key in keys if isinstance(key, UniqueConstraint) or (isinstance(key, Index) and key.unique)]
    return {column.name for key in unique for column in key.columns} - {"tenant_id", "id"}


def new_body(company: Company, resource: Resource) -> dict[str, Any]:
    """Give a body that creates another object like one that the company has."""
    assert resource.create is not None
    row = company.row(resource)
    required = {item.encode_name for item in msgspec.structs.fields(resource.create) if item.required}
    unique = unique_columns(table_of(resource))
    if resource.name in FRESH:
        return {**{name: row[name] for name in required if row.get(name) is not None}, **FRESH[resource.name](company)}
    body: dict[str, Any] = {}
    for name in resource.create.__struct_fields__:
        value = row.get(name)
        if name in required:
            body[name] = vary(value) if name in unique and name not in resource.references else value
        elif value is not None and name not in unique and name not in {"is_primary", "parent_id"}:
            body[name] = value
    return {name: value for name, value in body.items() if value is not None}


def another(company: Company, name: str) -> str:
    """Make another object of a resource and give its id."""
    resource = declared().resources[name]
    made = company.person.post(resource.path, new_body(company, resource))
    assert made.status == 201, made.response.text
    return str(made.body["id"])


def free_glass(company: Company) -> dict[str, Any]:
    """Give a family and a thickness of glass that the company does not have yet."""
    known = company.person.items("/vidrio/glass_types", params={"limit": "200", "archived": "include"})
    taken = {(row["family"], row["thickness_mm"]) for row in known}
    both = [
        (f, t) for f in ("low_e", "satin", "patterned", "tinted", "mirror") for t in (3, 4, 5, 6, 8, 10, 12, 15, 19)
    ]
    family, thickness = next(pair for pair in both if pair not in taken)
    return {"code": vary("G9999"), "family": family, "thickness_mm": thickness}


# Fields that must be new and cannot be had by changing letters of those that exist.
FRESH: dict[str, Callable[[Company], dict[str, Any]]] = {
    "clinicas.charts": lambda company: {"patient_id": another(company, "clinicas.patients")},
    "core.partner_tax_ids": lambda _: {"kind": vary("aaaa").lower(), "value": "A1"},
    "mecanicas.part_profiles": lambda company: {"product_id": another(company, "core.products")},
    "pos.devices": lambda _: {"public_key": new_key(), "code": vary("C99999")},
    "retail.stores": lambda company: {"code": vary("S999"), "location_id": another(company, "core.locations")},
    "vidrio.glass_types": free_glass,
    "vidrio.price_rules": lambda company: {"price_list_id": another(company, "vidrio.price_lists")},
}


def vary(value: Any) -> Any:
    """Change the last letters and digits of a text, each into another of its kind."""
    if not isinstance(value, str):
        return value
    letters = list(value)
    for index in [i for i, letter in enumerate(letters) if letter.isalnum()][-4:]:
        kinds = (string.digits, string.ascii_uppercase, string.ascii_lowercase)
        kind = next((kind for kind in kinds if letters[index] in kind), string.ascii_lowercase)
        letters[index] = random.choice(kind)
    return "".join(letters)


def action_body(company: Company, door: Door) -> dict[str, Any]:
    """Give a body that a business action takes, its ids being the company's own."""
    slug = door.path.split("/")[3] if door.path.startswith("/api/") else "core"
    body = example(company, inspect.type_info(door.body)) if door.body is not None else {}
    return {**body, **EXAMPLES.get(f"{slug}.{door.operation}", {})}


def example(company: Company, kind: Any, name: str = "") -> Any:
    """Make a value of a type; ids are the company's own, found by the field's name."""
    if isinstance(kind, inspect.StructType):
        return {
            item.encode_name: example(company, item.type, item.encode_name) for item in kind.fields if item.required
        }
    if isinstance(kind, inspect.Metadata):
        return (kind.extra_json_schema or {}).get("examples", [None])[0] or example(company, kind.type, name)
    if isinstance(kind, inspect.UnionType):
        return example(company, next(one for one in kind.types if not isinstance(one, inspect.NoneType)), name)
    if isinstance(kind, inspect.ListType):
        return [example(company, kind.item_type, name) for _ in range(max(1, kind.min_length or 0))]
    if isinstance(kind, inspect.UUIDType):
        return company.id_for(name)
    return _plain(kind)


def _plain(kind: Any) -> Any:
    if isinstance(kind, inspect.StrType):
        return "a" * max(4, kind.min_length or 0)
    if isinstance(kind, inspect.IntType):
        return kind.ge if kind.ge is not None else 1
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.BoolType):
        return True
    plain: dict[type, Any] = {
        inspect.DecimalType: str(Decimal(1)),
        inspect.DateType: date(2026, 5, 4).isoformat(),
        inspect.DateTimeType: datetime(2026, 5, 4).astimezone().isoformat(),
        inspect.DictType: {},
        inspect.AnyType: "a",
        inspect.RawType: {},
    }
    return plain[type(kind)]


def uuid_fields(kind: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List where ids stand in a body, as paths of names and indices."""
    if isinstance(kind, inspect.StructType):
        return [found for item in kind.fields for found in uuid_fields(item.type, (*path, item.encode_name))]
    if isinstance(kind, inspect.Metadata):
        return uuid_fields(kind.type, path)
    if isinstance(kind, inspect.UnionType):
        return [found for one in kind.types for found in uuid_fields(one, path)]
    if isinstance(kind, inspect.ListType):
        return uuid_fields(kind.item_type, (*path, 0))
    return [path] if isinstance(kind, inspect.UUIDType) else []


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Give a copy of a body with another value at a path; a list on the way that is missing gets one item."""
    if not path:
        return value
    if isinstance(path[0], int):
        items = list(body or [None])
        return [replaced(items[0], path[1:], value), *items[1:]]
    return {**(body or {}), path[0]: replaced((body or {}).get(path[0]), path[1:], value)}


def unknown_id() -> str:
    """Give an id that nobody has."""
    return str(uuid4())


def faults(door: Door, what: str, response: httpx.Response) -> list[str]:
    """List what is wrong with an answer to bad input: a fault of ours, or a refusal that is no problem document."""
    if response.status_code >= 500:
        return [f"{door.name}, {what}: {response.status_code}"]
    if response.status_code < 400:
        return []
    kind = response.headers.get("content-type", "")
    if not kind.startswith("application/problem+json"):
        return [f"{door.name}, {what}: {response.status_code} as {kind}"]
    missing = {"type", "title", "status", "code", "detail", "request_id"} - response.json().keys()
    return [f"{door.name}, {what}: lacks {sorted(missing)}"] if missing else []


def own_address(company: Company, door: Door) -> str:
    """Give the door's address with the company's own ids; other parameters get a word."""
    values = {
        name: company.row(door.resource)["id"]
        if name == "object_id" and door.resource is not None
        else company.id_for(name)
        if name.endswith("_id")
        else "palabra"
        for name in door.parameters
    }
    return door.address(**values)
