"""No process works with a role that row-level security does not bind, or without a key of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from erp_core.testing.environment import Erp


@pytest.mark.parametrize("command", [["serve", "--port", "28999"], ["worker"], ["worker", "core"], ["scheduler"]])
@pytest.mark.parametrize("role", ["admin", "migrator"])
def test_a_process_refuses_to_start_with_a_privileged_role(erp: Erp, command: list[str], role: str) -> None:
    privileged = {"DATABASE_URL": str(getattr(erp.application.addresses, role))}

    ended = subprocess.run(
        [sys.executable, "-m", "erp_core.cli", *command],
        env={**os.environ, **erp.environ, **privileged},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert "Connect as erp_app" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_worker_without_a_key_to_sign_with_refuses_to_start(erp: Erp) -> None:
    environ = {name: value for name, value in erp.environ.items() if name != "ERP_TASK_KEY"}

    ended = subprocess.run(
        [sys.executable, "-m", "erp_core.cli", "worker"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert "Set ERP_TASK_KEY" in ended.stderr
