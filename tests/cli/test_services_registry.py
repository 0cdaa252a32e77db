"""Processes say that they live, in a real Redis."""

from __future__ import annotations

import redis

from erp_core.kernel import services_registry
from erp_core.kernel.services_registry import (
    describe_service,
    jwt_fingerprint,
    list_services,
    register_service,
    registered,
)


def test_a_process_is_listed_while_it_runs(servers) -> None:
    client = redis.Redis.from_url(servers.redis_url)
    record = describe_service("api", ("vidrio",), version="0.1.0", port=3031, jwt_secret="a word")

    with registered(servers.redis_url, record):
        for _ in range(100):
            during = list_services(client)
            if during:
                break
    after = list_services(client)

    assert [(found.kind, found.slugs, found.port) for found in during] == [("api", ("vidrio",), 3031)]
    assert after == []
    client.close()


def test_a_process_that_fell_silent_is_forgotten(servers, monkeypatch) -> None:
    client = redis.Redis.from_url(servers.redis_url)
    register_service(client, describe_service("worker", ("core",), version="0.1.0"))
    monkeypatch.setattr(services_registry, "LIFETIME", -1.0)

    found = list_services(client)

    assert found == []
    assert client.exists(services_registry.KEY) == 0
    client.close()


def test_an_absent_redis_stops_no_service() -> None:
    record = describe_service("api", ("core",), version="0.1.0")

    with registered("redis://127.0.0.1:9/0", record):
        ran = True

    assert ran


def test_a_fingerprint_compares_secrets_without_showing_them() -> None:
    assert jwt_fingerprint("one") == jwt_fingerprint("one")
    assert jwt_fingerprint("one") != jwt_fingerprint("two")
    assert "one" not in jwt_fingerprint("one")
    assert jwt_fingerprint(None) == ""
