"""The API is what its own description says: no fault of ours, no status, type or shape that is not written there.

``FUZZ_SAMPLES`` sets how many requests each operation gets (3 by default; 20 takes some minutes).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from erp_core.app import compose
from erp_core.kernel.application import Addresses
from erp_core.kernel.http.openapi import document
from erp_core.kernel.settings import Settings
from erp_core.testing.environment import Person, installed_plugins

if TYPE_CHECKING:
    from schemathesis import Case

SAMPLES = int(os.environ.get("FUZZ_SAMPLES", "3"))

# What is left out, and why; nothing else is.
LEFT_OUT = {
    "core.sign_out": "it ends the session that all other requests need; the attack tests call it",
    "core.sign_out_everywhere": "the same",
    "core.end_session": "the same, should it meet the caller's own session",
    "core.disable_member": "the same, should it meet the caller",
    "core.unassign_role": "the same, should it meet the caller's own role",
    "core.update_role": "the same",
    "core.change_password": "ten wrong passwords shut the account out for minutes, as they should",
    "core.sign_in": "the same for the network of all tests",
}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def described() -> schemathesis.openapi.OpenApiSchema:
    """Load the description of all installed packages together."""
    plugins = installed_plugins()
    application = compose(Settings(), plugins, Addresses("", None, None, "", b"", lambda _: ""))
    written = document(application, tuple(plugin.slug for plugin in plugins.enabled))
    generation = GenerationConfig(
        max_examples=SAMPLES, deterministic=True, no_shrink=True, database="none", with_security_parameters=False
    )
    # The coverage phase alone makes some hundred requests for each operation; it comes with the long run.
    phases = PhasesConfig(
        coverage=CoveragePhaseConfig(enabled=SAMPLES > 10), stateful=StatefulPhaseConfig(enabled=False)
    )
    projects = ProjectsConfig(default=ProjectConfig(generation=generation, phases=phases))
    return schemathesis.openapi.from_dict(written, config=SchemathesisConfig(projects=projects))


schema = described()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
@schema.exclude(operation_id=list(LEFT_OUT)).parametrize()
def test_the_api_is_what_it_says(case: Case, fuzzed: str, caller: Person) -> None:
    headers = {"Authorization": f"Bearer {caller.token}"}
    case.call_and_validate(base_url=fuzzed, headers=headers, checks=CHECKS, timeout=30)

    # A made-up id names nothing, so reads and changes are sent once more with the id of an object that is there.
    if case.method in {"GET", "PATCH"} and "object_id" in case.path_parameters:
        rows = caller.items(case.path.partition("/{")[0], params={"limit": "1"})
        for row in rows:
            case.path_parameters["object_id"] = row["id"]
            case.call_and_validate(base_url=fuzzed, headers=headers, checks=CHECKS, timeout=30)


def test_what_is_left_out_is_there() -> None:
    known = {result.ok().definition.raw.get("operationId") for result in schema.get_all_operations()}

    assert set(LEFT_OUT) <= known
    assert len(known) > len(LEFT_OUT) * 10
