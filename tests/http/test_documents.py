"""The browsable page of the API: complete, and without anything from outside."""

from __future__ import annotations

import re

import pytest

from erp_core.testing.environment import Erp


def test_the_page_loads_nothing_from_outside(erp: Erp) -> None:
    page = erp.http.get("/docs")

    assert re.findall(r'(?:src|href)="([^"]+)"', page.text) == [
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/docs/start.js",
    ]
    assert page.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize("name", ["swagger-ui.css", "swagger-ui-bundle.js", "start.js"])
def test_each_file_of_the_page_is_served(erp: Erp, name: str) -> None:
    assert erp.http.get(f"/docs/{name}").status_code == 200


def test_the_viewer_can_read_the_version_that_we_write(erp: Erp) -> None:
    version = erp.http.get("/openapi.json").json()["openapi"]
    viewer = erp.http.get("/docs/swagger-ui-bundle.js").text

    assert version.startswith("3.1")
    assert "isOAS31" in viewer


@pytest.mark.parametrize("name", ["..%2Fpyproject.toml", "index.html", "%2e%2e%2f%2e%2e%2fetc%2fpasswd"])
def test_no_other_file_is_served(erp: Erp, name: str) -> None:
    assert erp.http.get(f"/docs/{name}").status_code == 404


def test_every_operation_says_what_permission_it_needs(erp: Erp) -> None:
    paths = erp.http.get("/openapi.json").json()["paths"]

    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert len(operations) > 100
    assert [one["operationId"] for one in operations if "x-permission" not in one] == []
    assert len({one["operationId"] for one in operations}) == len(operations)
