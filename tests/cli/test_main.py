"""The command itself: its list, its help, its speed, its exit statuses."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from erp_core.cli import statuses
from erp_core.cli.main import COMMANDS, erp


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Walk through all commands that do something themselves."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from every_command(child, (*path, name))
    else:
        yield " ".join(path), command


EVERY = dict(every_command(erp))


def test_the_list_of_commands_imports_none_of_them() -> None:
    script = "import sys; from erp_core.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    loaded = set(answer.stderr.split())
    assert not loaded & {
        "sqlalchemy",
        "litestar",
        "psycopg",
        "redis",
        "alembic",
        "dramatiq",
        "pluggy",
        "msgspec",
        "asyncio",
    }
    assert all(name in answer.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", EVERY)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    answer = CliRunner().invoke(erp, [*name.split(), "--help"])

    assert answer.exit_code == statuses.OK
    assert re.search(r"Examples?:", answer.output)
    assert f"erp {name}" in answer.output
    options = [option for option in EVERY[name].params if isinstance(option, click.Option) and not option.hidden]
    assert all(option.help for option in options)


def test_every_exit_status_is_in_the_help() -> None:
    answer = CliRunner().invoke(erp, ["--help"])

    assert all(
        str(status) in answer.output and meaning[:40] in answer.output for status, meaning in statuses.MEANINGS.items()
    )
    numbers = {value for name, value in vars(statuses).items() if name.isupper() and isinstance(value, int)}
    assert numbers == set(statuses.MEANINGS)


def test_an_unknown_command_is_wrong_usage(run_erp) -> None:
    answer = run_erp("frobnicate")

    assert answer.returncode == statuses.USAGE
    assert "frobnicate" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_unknown_setting_is_wrong_usage_and_names_the_nearest(run_erp) -> None:
    answer = run_erp("config", ERP_PLUGIN="vidrio")

    assert answer.returncode == statuses.USAGE
    assert "ERP_PLUGIN is not a setting" in answer.stderr
    assert "ERP_PLUGINS" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_debug_shows_the_trace_wherever_it_stands(run_erp) -> None:
    answer = run_erp("config", "--debug", ERP_PLUGIN="vidrio")

    assert answer.returncode == statuses.USAGE
    assert "Traceback" in answer.stderr


def test_the_version_is_printed(run_erp) -> None:
    answer = run_erp("--version")

    assert answer.returncode == statuses.OK
    assert answer.stdout.startswith("erp-core")


def test_a_reader_that_goes_away_is_not_an_error_to_talk_about() -> None:
    script = f"{sys.executable} -m erp_core.cli config --json | head -c 1"

    answer = subprocess.run(script, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - a fixed text

    assert answer.stderr == ""
