"""What one declaration gives: the whole life of an object over HTTP."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import msgspec
import openpyxl
import pytest
from sqlalchemy import text

from erp_core.testing.environment import Erp, Person

PARTNERS = "/core/partners"


def new_partner(person: Person, **fields: object) -> dict[str, object]:
    answer = person.post(PARTNERS, {"name": "Aceros del Golfo", "kind": "company", **fields})
    assert answer.status == 201, answer.response.text
    return dict(answer.body)


def test_what_is_created_can_be_read_changed_archived_and_brought_back(person: Person) -> None:
    created = new_partner(person, email="VENTAS@aceros.example")
    one = f"{PARTNERS}/{created['id']}"

    read = person.get(one)
    changed = person.patch(one, {"phone": "+528112345678"}, headers={"if-match": read.etag})
    archived = person.delete(one)
    hidden = person.items(PARTNERS)
    restored = person.post(f"{one}/restore")

    assert read.body["email"] == "ventas@aceros.example"
    assert (changed.status, changed.body["phone"], changed.etag) == (200, "+528112345678", '"2"')
    assert archived.body["archived_at"] is not None
    assert hidden == []
    assert (restored.body["archived_at"], restored.body["version"]) == (None, 4)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"name": "A", "kind": "company", "owner": 1}, 422, "invalid_input", "/owner"),
        ({"name": "A", "kind": "company", "tenant_id": str(uuid4())}, 422, "invalid_input", "/tenant_id"),
        ({"name": "A", "kind": "company", "version": 7}, 422, "invalid_input", "/version"),
        ({"kind": "company"}, 422, "invalid_input", "/name"),
        ({"name": 7, "kind": "company"}, 422, "invalid_input", "/name"),
        ({"name": "x" * 5000, "kind": "company"}, 422, "invalid_input", "/name"),
        ({"name": "A", "kind": "robot"}, 422, "invalid_input", "/kind"),
        (
            {"name": "A", "kind": "company", "tax_country": "MX", "tax_id": "XAXX010101009"},
            422,
            "invalid_tax_id",
            "/tax_id",
        ),
    ],
)
def test_a_bad_body_is_refused_at_its_field_and_changes_nothing(
    person: Person, body: dict[str, object], status: int, code: str, pointer: str
) -> None:
    answer = person.post(PARTNERS, body)

    assert (answer.status, answer.problem, answer.body["pointer"]) == (status, code, pointer)
    assert person.items(PARTNERS) == []


def test_text_with_a_null_character_is_refused(person: Person) -> None:
    answer = person.call("POST", PARTNERS, content=b'{"name":"A\\u0000B","kind":"company"}')

    assert (answer.status, answer.problem) == (422, "invalid_input")


def test_a_body_that_is_no_json_is_refused(person: Person) -> None:
    answer = person.call("POST", PARTNERS, content=b'{"name": "A", ')

    assert (answer.status, answer.problem) == (400, "malformed_json")


def test_a_body_that_is_too_long_is_refused(person: Person) -> None:
    answer = person.call("POST", PARTNERS, content=b" " * 3_000_000)

    assert (answer.status, answer.problem) == (413, "body_too_large")


def test_a_stale_etag_is_refused_and_changes_nothing(person: Person) -> None:
    created = new_partner(person)
    one = f"{PARTNERS}/{created['id']}"
    person.patch(one, {"phone": "+525511111111"}, headers={"if-match": '"1"'})

    answer = person.patch(one, {"phone": "+525522222222"}, headers={"if-match": '"1"'})

    assert (answer.status, answer.problem) == (412, "stale_version")
    assert person.get(one).body["phone"] == "+525511111111"


def test_an_etag_that_still_fits_saves_the_body(person: Person) -> None:
    created = new_partner(person)

    answer = person.get(f"{PARTNERS}/{created['id']}", headers={"if-none-match": '"1"'})

    assert (answer.status, answer.response.content) == (304, b"")


def test_a_second_one_with_the_same_code_is_refused(person: Person) -> None:
    new_partner(person, code="P-1")

    answer = person.post(PARTNERS, {"name": "Otro", "kind": "company", "code": "P-1"})

    assert (answer.status, answer.problem, answer.body["pointer"]) == (409, "duplicate", "/code")


def test_a_reference_to_nothing_is_refused(person: Person) -> None:
    answer = person.post("/core/partner_contacts", {"partner_id": str(uuid4()), "name": "Luz"})

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "unknown_reference", "/partner_id")


def test_pages_follow_each_other_without_gaps_or_repeats(person: Person) -> None:
    names = [f"Cliente {n:03}" for n in range(25)]
    bulk = {"items": [{"action": "create", "data": {"name": name, "kind": "company"}} for name in names]}
    assert person.post(f"{PARTNERS}/bulk", bulk).body == {"done": 25}

    found, cursor = [], None
    while True:
        page = person.get(
            PARTNERS, params={"sort": "name", "limit": "10"} | ({"cursor": cursor} if cursor else {})
        ).body
        found += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == names


def test_search_ignores_case_and_accents(person: Person) -> None:
    new_partner(person, name="Ferretería Ñandú")
    new_partner(person, name="Herrajes Águila")

    found = person.items(PARTNERS, params={"q": "FERRETERIA ñ"})

    assert [item["name"] for item in found] == ["Ferretería Ñandú"]


def test_a_list_filters_counts_and_selects(person: Person) -> None:
    new_partner(person, name="Uno", is_supplier=True)
    new_partner(person, name="Dos", is_customer=True)

    answer = person.get(PARTNERS, params={"filter[is_supplier]": "true", "total": "true", "fields": "name"})

    assert answer.body["total"] == 1
    assert [set(item) for item in answer.body["items"]] == [{"id", "name", "version"}]


def test_included_objects_come_along(person: Person) -> None:
    partner = new_partner(person)
    person.post("/core/partner_contacts", {"partner_id": partner["id"], "name": "Luz"})

    found = person.items("/core/partner_contacts", params={"include": "partner"})

    assert found[0]["partner"]["name"] == "Aceros del Golfo"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "sort=phone",
        "cursor=AAAA",
        "filter[notes]=x",
        "filter[is_customer]=maybe",
        "fields=nope",
        "colour=red",
        "q=%20",
        "include=tenant",
        "archived=yes",
        "filter[created_at][gt]=yesterday",
    ],
)
def test_a_query_that_is_not_offered_is_refused_not_ignored(person: Person, query: str) -> None:
    answer = person.get(f"{PARTNERS}?{query}")

    assert answer.status == 400
    assert answer.problem in {"unknown_parameter", "invalid_parameter"}


def test_bulk_writes_all_or_nothing(person: Person) -> None:
    items = [
        {"action": "create", "data": {"name": "Bueno", "kind": "company", "code": "B"}},
        {"action": "create", "data": {"name": "Repetido", "kind": "company", "code": "B"}},
    ]

    answer = person.post(f"{PARTNERS}/bulk", {"items": items})

    assert (answer.status, answer.problem, answer.body["pointer"]) == (409, "duplicate", "/items/1/data/code")
    assert person.items(PARTNERS) == []


def test_bulk_can_answer_for_each_item(person: Person) -> None:
    partner = new_partner(person, code="B")
    items = [
        {"action": "create", "data": {"name": "Repetido", "kind": "company", "code": "B"}},
        {"action": "update", "id": partner["id"], "version": 1, "data": {"phone": "+528181818181"}},
        {"action": "archive", "id": str(uuid4())},
    ]

    answer = person.post(f"{PARTNERS}/bulk", {"items": items, "mode": "each"})

    assert answer.status == 207
    assert [result["status"] for result in answer.body["results"]] == [409, 200, 404]


def test_bulk_for_each_item_has_its_effect_once_for_a_key(person: Person) -> None:
    items = [
        {"action": "create", "data": {"name": "Uno", "kind": "company", "code": "U"}},
        {"action": "create", "data": {"name": "Repetido", "kind": "company", "code": "U"}},
    ]
    body, key = {"items": items, "mode": "each"}, {"idempotency-key": "bulk"}

    first = person.post(f"{PARTNERS}/bulk", body, headers=key)
    second = person.post(f"{PARTNERS}/bulk", body, headers=key)

    assert [result["status"] for result in first.body["results"]] == [201, 409]
    assert first.body["results"][1]["problem"]["pointer"] == "/items/1/data/code"
    assert (second.status, second.body) == (207, first.body)
    assert len(person.items(PARTNERS)) == 1


def test_a_refused_item_leaves_no_trace_in_the_ledger(person: Person, erp: Erp) -> None:
    unit = person.items("/core/units", params={"limit": "200"})[0]["id"]
    product = person.post("/core/products", {"sku": "S", "name": "S", "kind": "goods", "unit_id": unit}).body["id"]
    items = [{"action": "update", "id": product, "version": 9, "data": {"name": "Nuevo"}}]

    answer = person.post("/core/products/bulk", {"items": items, "mode": "each"}, headers={"idempotency-key": "b"})

    query = text(
        "SELECT count(*) FROM core.audit_entries WHERE tenant_id = :t AND object_id = :o AND action = 'update'"
    )
    keys = {"t": person.tenant_id, "o": product}
    assert answer.body["results"][0]["problem"]["code"] == "stale_version"
    assert erp.units.run(erp.actor(person), lambda ctx: ctx.session.execute(query, keys).scalar()) == 0


def test_bulk_of_a_missing_row_changes_nothing(person: Person) -> None:
    partner = new_partner(person)
    items = [
        {"action": "update", "id": partner["id"], "data": {"name": "Cambiado"}},
        {"action": "update", "id": str(uuid4()), "data": {"name": "Nadie"}},
    ]

    answer = person.post(f"{PARTNERS}/bulk", {"items": items})

    assert (answer.status, answer.problem) == (404, "not_found")
    assert person.get(f"{PARTNERS}/{partner['id']}").body["name"] == "Aceros del Golfo"


def test_exports_hold_every_row_and_no_formula(person: Person) -> None:
    new_partner(person, name="=HYPERLINK(1)", code="F1")
    new_partner(person, name="Normal", code="F2")

    table = person.get(f"{PARTNERS}/export?format=csv&sort=code").response.content
    lines = person.get(f"{PARTNERS}/export?format=jsonl&sort=code").response.content
    book = person.get(f"{PARTNERS}/export?format=xlsx&sort=code").response.content

    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    sheet = openpyxl.load_workbook(io.BytesIO(book)).worksheets[0]
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", "Normal"]
    assert [msgspec.json.decode(line)["name"] for line in lines.splitlines()] == ["=HYPERLINK(1)", "Normal"]
    assert sheet.max_row == 3


def test_every_change_leaves_an_audit_entry_and_an_event(person: Person, erp: Erp) -> None:
    created = new_partner(person)
    person.patch(f"{PARTNERS}/{created['id']}", {"phone": "+525533333333"})

    query = text(
        "SELECT action, before->>'phone', after->>'phone' FROM core.audit_entries"
        " WHERE tenant_id = :t AND object_id = :o ORDER BY id"
    )
    events = text("SELECT name FROM core.outbox WHERE tenant_id = :t AND payload->>'id' = :o ORDER BY id")
    keys = {"t": person.tenant_id, "o": created["id"]}
    audited = erp.units.run(erp.actor(person), lambda ctx: ctx.session.execute(query, keys).all())
    noted = erp.units.run(erp.actor(person), lambda ctx: ctx.session.execute(events, keys).scalars().all())

    assert [tuple(row) for row in audited] == [("create", None, None), ("update", None, "+525533333333")]
    assert list(noted) == ["core.partners.created", "core.partners.updated"]


def test_without_the_permission_nothing_is_done(erp: Erp, person: Person) -> None:
    reader = erp.sign_in(person.tenant_slug, permissions=["core.partners.read"])

    answer = reader.post(PARTNERS, {"name": "A", "kind": "company"})

    assert (answer.status, answer.problem, answer.body["permission"]) == (403, "forbidden", "core.partners.create")
    assert reader.get(PARTNERS).status == 200


def test_metadata_shows_what_the_caller_may_see_in_both_languages(erp: Erp, person: Person) -> None:
    reader = erp.sign_in(person.tenant_slug, permissions=["core.partners.read"])

    spanish, english = reader.get("/meta").body, reader.get("/meta?lang=en").body

    assert [resource["name"] for resource in english["resources"]] == ["core.partners"]
    assert english["resources"][0]["operations"] == ["list", "read"]
    assert spanish["resources"][0]["label"] != english["resources"][0]["label"]
