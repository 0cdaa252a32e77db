"""The pages need nothing from elsewhere and give nothing away; the log holds no secret and no body."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy.orm import Session

from erp_core.tenants import services as tenants
from erp_core.testing.environment import Erp, Person, Servers, application_on, booted, drop_database, new_copy

from .conftest import served

OUTWARD = re.compile(r"""(?:src|href|url|action)\s*[=(]\s*["']?\s*(?:https?:)?//""", re.IGNORECASE)


def test_the_page_is_made_of_this_servers_own_files(client: httpx.Client) -> None:
    page = client.get("/docs")
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    files = {part: client.get(part) for part in parts}

    assert page.status_code == 200
    assert OUTWARD.findall(page.text) == []
    assert parts
    assert {file.status_code for file in files.values()} == {200}
    assert all(part.startswith("/docs/") for part in parts)


def test_the_page_lets_nothing_else_run(client: httpx.Client) -> None:
    policy = client.get("/docs").headers["content-security-policy"]

    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules["default-src"] == "'self'"
    assert "script-src" not in rules or rules["script-src"] == "'self'"
    assert not re.search(r"https?:|\*|unsafe-eval", policy)


@pytest.mark.parametrize(
    "name",
    [
        "../pyproject.toml", "..%2f..%2f..%2f..%2fetc%2fpasswd", "....//etc/passwd", "%2e%2e/app.py", "/etc/passwd",
        "..\\..\\windows", "swagger-ui.css%00.html", "swagger-ui.css/", "index.html", "%252e%252e%252fapp.py", ".",
        "..", "*", "swagger-ui*", "start.js.map", "",
    ],
)  # fmt: skip
def test_no_other_file_is_given(name: str, client: httpx.Client) -> None:
    answer = client.get(f"/docs/{name}")

    # An empty name, a dot and a slash at the end are the page and its file themselves, as addresses go.
    own = {"", ".", "..", "swagger-ui.css/", "%2e%2e/app.py", "../pyproject.toml"}
    assert answer.status_code == 404 or (name in own and "root:" not in answer.text), answer.text[:200]
    assert "root:x" not in answer.text
    assert "[project]" not in answer.text


def test_the_description_of_the_api_names_no_secret(client: httpx.Client, erp: Erp) -> None:
    described = client.get("/openapi.json")

    assert described.status_code == 200
    for secret in (erp.environ["ERP_TASK_KEY"], erp.application.addresses.app, "postgresql://", "redis://"):
        assert secret not in described.text


@pytest.mark.parametrize("production", [False, True])
def test_secrets_and_bodies_never_reach_the_log(
    production: bool, erp_servers: Servers, erp_plugins: Any, erp_template: str, tmp_path: Path
) -> None:
    name = new_copy(erp_servers, erp_template)
    application = application_on(erp_servers, name, erp_plugins)
    marker = f"marca{uuid4().hex}"
    output = tmp_path / "output.txt"
    with httpx.Client(timeout=30) as http, booted(application, http) as erp:
        environ = {**erp.environ, "ERP_LOG_LEVEL": "debug", "ERP_ENV": "production" if production else "development"}
        with served(environ, output) as api:
            http.base_url = httpx.URL(api.base)
            person = erp.open_tenant()
            secrets = misuse(erp, person, marker, application.addresses.admin)
        log = output.read_text("utf-8", "replace")
        secrets |= {"the token": person.token, "task key": erp.environ["ERP_TASK_KEY"]}
        secrets["database password"] = "test-erp_app"
    drop_database(erp_servers, name)

    assert {what for what, secret in secrets.items() if secret in log} == set()
    assert "request failed" in log
    assert log.count('"event":"request"' if production else "request ") > 5


def misuse(erp: Erp, person: Person, marker: str, admin: str | None) -> dict[str, str]:
    """Do everything that might write a secret into a log; gives the secrets by what they are."""
    password, email = f"{marker}-clave-buena", f"{uuid4().hex}@erp.example"
    with Session(erp.units.engine) as session, session.begin():
        tenants.create_user(session, email, "Alguien", password)
        tenants.grant(session, person.tenant_slug, email, ["admin"])
    good = person.post("/core/auth/sign-in", {"email": email, "password": password})
    assert good.status == 200, good.response.text
    person.post("/core/auth/sign-in", {"email": email, "password": f"{marker}-clave-mala"})
    person.post("/core/auth/refresh", {"refresh_token": good.body["refresh_token"]})
    person.post("/core/auth/refresh", {"refresh_token": f"{marker}-refresco"})
    person.post("/core/auth/password", {"old_password": f"{marker}-vieja", "password": f"{marker}-nueva"})
    person.post("/core/partners", {"name": f"{marker} cuerpo", "kind": "company"})
    person.post("/core/partners", {"name": f"{marker} cuerpo", "kind": marker})
    person.call("POST", "/core/partners", content=f'{{"name": "{marker}'.encode())
    person.get("/core/partners", params={"q": f"{marker} busca"})
    person.get("/core/partners", params={"filter[kind]": f"{marker} filtro"})
    person.get("/core/partners", headers={"authorization": f"Bearer {marker}.{marker}.{marker}"})
    person.get("/core/partners", headers={"cookie": f"sesion={marker}"})
    break_something(person, marker, str(admin))
    return {
        "marked text": marker,
        "password": password,
        "access token": good.body["access_token"],
        "refresh token": good.body["refresh_token"],
    }


def break_something(person: Person, marker: str, admin: str) -> None:
    """Take a table away, so that reads, everyday writes and commands on it fail in a way that nobody foresaw."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ALTER TABLE core.categories RENAME TO categories_away")
        connection.execute("ALTER TABLE core.partners RENAME TO partners_away")
    created = person.post("/core/partners", {"name": f"{marker} roto", "kind": "company"})
    listed = person.get("/core/partners", params={"q": f"{marker} roto"})
    changed = person.patch(f"/core/categories/{uuid4()}", {"name": f"{marker} roto"})
    assert {created.status, listed.status, changed.status} == {500}
    for answer in (created, listed, changed):
        assert answer.problem == "internal_error"
        assert "partners" not in answer.response.text
        assert "categories" not in answer.response.text
