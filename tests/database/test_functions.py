"""The functions that the core's first revision creates."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("Ñandú Ágil", "nandu agil"),
        ("CAFÉ Torreón", "cafe torreon"),
        ("Straße", "strasse"),
        ("ya plano 12", "ya plano 12"),
        ("", ""),
        (None, None),
    ],
)
def test_folding_takes_case_and_accents_away(migrated: Any, value: str | None, key: str | None) -> None:
    with psycopg.connect(migrated.url("erp_app")) as conn:
        row = conn.execute("SELECT core.fold(%s)", [value]).fetchone()

    assert row == (key,)


def test_refusing_raises_the_platforms_own_state_with_code_and_detail(migrated: Any) -> None:
    with psycopg.connect(migrated.url("erp_app")) as conn, pytest.raises(psycopg.Error) as caught:
        conn.execute("SELECT core.refuse('insufficient_stock', jsonb_build_object('missing', 3))")

    assert caught.value.sqlstate == "ERP01"
    assert caught.value.diag.message_primary == "insufficient_stock"
    assert json.loads(caught.value.diag.message_detail or "") == {"missing": 3}


def test_refusing_does_nothing_for_no_rows(migrated: Any) -> None:
    with psycopg.connect(migrated.url("erp_app")) as conn:
        rows = conn.execute("SELECT core.refuse('never', '{}') WHERE false").fetchall()

    assert rows == []
