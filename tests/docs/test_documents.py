"""What the documents name exists: links, commands, settings; and what they show can be run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from erp_core.cli.main import erp as command_line
from erp_core.kernel.settings import TEST_NAMES, Settings

from .documents import REFERENCE, ROOT, TUTORIAL, anchors, blocks, documents, files_in, prose, shell_lines

PAGES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in documents()]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A place on the machine where somebody wrote this, which nobody else has.
OF_A_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|tmp/\w+|Users)/")
# `erp` where a shell would run it: at the start, behind an assignment, a pipe, a semicolon, `&&` or `$(`.
CALL = re.compile(
    r"(?:^|[|;&(]|\b(?:sudo(?: -\w+(?: \w+)?)*|exec))\s*(?:[A-Z_]+=(?:'[^']*'|\"[^\"]*\"|\S*)\s+)*erp(?=\s|$)"
)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    broken = []
    for link in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("path", PAGES)
def test_no_document_names_a_place_of_somebodys_machine(path: Path) -> None:
    assert OF_A_MACHINE.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", PAGES)
def test_python_and_json_in_the_documents_can_be_read(path: Path) -> None:
    for block in blocks(path):
        if block.language == "python":
            compile(block.text, block.place, "exec", dont_inherit=True)
        elif block.language == "json":
            json.loads(block.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_command_in_the_documents_exists(path: Path) -> None:
    shown = [line for _, line in shell_lines(path)]
    mentioned = re.findall(r"`((?:[A-Z_]+=\S+ )*erp [^`]*)`", prose(path))

    wrong = [f"{line}: {fault}" for line in [*shown, *mentioned] for fault in faults_of(line)]

    assert wrong == []


def test_every_command_in_the_units_exists() -> None:
    lines = []
    for path in sorted((ROOT / "deploy").rglob("*.service")):
        starts = re.findall(r"^ExecStart\w*=\S*/(erp .*)$", path.read_text("utf-8"), re.MULTILINE)
        assert starts, path
        lines += starts

    assert [f"{line}: {fault}" for line in lines for fault in faults_of(line)] == []


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert faults_of("erp plugins migrat")
    assert faults_of("FOO=1 erp up --demmo")
    assert faults_of('psql "$(erp db uri)"')
    assert faults_of("erp tenants suspend a b")
    assert faults_of('ERP_ENV=production erp up --demo && psql "$(erp db url --role migrator)"') == []


@pytest.mark.parametrize("path", PAGES)
def test_every_setting_in_the_documents_exists(path: Path) -> None:
    known = {item.metadata["env"] for item in Settings.__dataclass_fields__.values()} | TEST_NAMES
    named = set(re.findall(r"\bERP_[A-Z_]+[A-Z]\b", path.read_text("utf-8")))

    assert sorted(named - known) == []


@pytest.mark.parametrize("name", ["deploy/README.md", "deploy/environment.example"])
def test_every_variable_of_the_deployment_is_a_setting(name: str) -> None:
    known = {item.metadata["env"] for item in Settings.__dataclass_fields__.values()}
    given = re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / name).read_text("utf-8"), re.MULTILINE)

    assert sorted(set(given) - known) == []


def test_both_languages_of_the_tutorial_make_the_same_calls() -> None:
    english = [block.text for block in blocks(TUTORIAL / "first-steps.md")]
    spanish = [block.text for block in blocks(TUTORIAL / "primeros-pasos.md")]

    assert spanish == english


@pytest.mark.parametrize("path", sorted(TUTORIAL.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_can_be_read_by_the_shell_and_may_be_run(path: Path) -> None:
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)  # noqa: S607

    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(path, os.X_OK)


def test_a_decision_is_short() -> None:
    long = [path.name for path in (ROOT / "docs" / "adr").glob("*.md") if path.read_text("utf-8").count("\n") > 60]

    assert long == []


def test_the_plugin_of_the_guide_is_whole() -> None:
    shown = files_in(ROOT / "docs" / "how-to" / "write-a-plugin.md")

    assert {"pyproject.toml", "GLOSSARY.md", "erp_bitacora/plugin.py", "tests/test_contract.py"} <= shown.keys()


def test_the_reference_has_no_empty_part() -> None:
    assert [path.name for path in REFERENCE.glob("*.md") if len(path.read_text("utf-8")) < 300] == []


def faults_of(line: str) -> list[str]:
    """List what is wrong with the calls of `erp` in a line of shell."""
    return [fault for call in _calls(line) for fault in _faults(call)]


def _calls(line: str) -> list[list[str]]:
    found = []
    for match in CALL.finditer(line):
        rest = re.split(r"[|;&<>)#`]|\s#|\d>", line[match.end() :])[0]
        lexer = shlex.shlex(rest, posix=True, punctuation_chars=False)
        lexer.whitespace_split = True
        lexer.quotes = "'" if rest.count('"') % 2 else "\"'"
        found.append([word.strip('"') for word in lexer])
    return found


def _faults(words: list[str]) -> list[str]:
    command: click.Command = command_line
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        following = command.get_command(context, words[0])
        if following is None:
            return [f"there is no command {words[0]}"]
        command, words = following, words[1:]
        context = click.Context(command)
    try:
        _, left, _ = command.make_parser(context).parse_args([word for word in words if word != "…"])
    except click.UsageError as error:
        return [error.format_message()]
    return [f"{left} is too much"] if left and not isinstance(command, click.Group) else []
