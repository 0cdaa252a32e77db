"""Jobs over HTTP, on the real database."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from erp_construccion import demo
from erp_construccion.projects import services, tasks
from erp_construccion.projects.models import OverdueNotice
from erp_construccion.projects.schemas import MoveProject
from sqlalchemy import func, select, text

from erp_core.kernel.context import Actor
from erp_core.kernel.database.tables import InboxEntry, OutboxEntry
from erp_core.kernel.errors import WrongState
from erp_core.testing.environment import Erp, Person, Reply

PROJECTS = "/construccion/projects"
NODES = "/construccion/structure_nodes"


def make_client(person: Person, **facts: object) -> str:
    answer = person.post("/core/partners", {"name": "Desarrollos Los Encinos", "is_customer": True, **facts})
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


def create_project(person: Person, **facts: object) -> Reply:
    unique = uuid4().hex[:8]
    facts.setdefault("client_id", make_client(person) if "client_id" not in facts else None)
    return person.post(PROJECTS, {"code": f"PROJ-{unique}", "name": f"Obra {unique}", **facts})


def make_project(person: Person, **facts: object) -> str:
    answer = create_project(person, **facts)
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


def move(person: Person, project_id: str, *states: str) -> Reply:
    for state in states:
        answer = person.post(f"{PROJECTS}/{project_id}/move", {"to": state})
    return answer


def test_a_new_job_is_a_prospect(person: Person):
    answer = create_project(person, code="proj-2026-001", planned_start="2026-03-02", planned_end="2026-10-30")

    assert (answer.status, answer.body["state"], answer.body["code"]) == (201, "prospect", "PROJ-2026-001")


def test_the_state_cannot_be_written(person: Person):
    project = make_project(person)

    answer = person.patch(f"{PROJECTS}/{project}", {"state": "closed"})

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "invalid_input", "/state")


def test_a_job_moves_and_building_begins_on_the_day_of_the_move(person: Person):
    project = make_project(person)

    answer = move(person, project, "bidding", "awarded", "executing")

    assert (answer.status, answer.body["state"], answer.etag) == (200, "executing", '"4"')
    assert answer.body["actual_start"] is not None
    assert answer.body == person.get(f"{PROJECTS}/{project}").body


def test_a_wrong_move_names_the_right_ones(person: Person):
    project = make_project(person)

    answer = move(person, project, "executing")

    assert (answer.status, answer.problem) == (409, "wrong_state")
    assert answer.body["allowed"] == "bidding, lost, cancelled"
    assert person.get(f"{PROJECTS}/{project}").body["state"] == "prospect"


def test_a_refusal_is_told_in_the_callers_language(person: Person):
    project = make_project(person)

    answer = person.post(f"{PROJECTS}/{project}/move", {"to": "closed"}, headers={"accept-language": "en"})

    assert "from there it may go to: bidding, lost, cancelled." in answer.body["detail"]


def test_a_job_moves_on_only_for_a_customer(person: Person):
    project = make_project(person, client_id=make_client(person, is_customer=False))

    refused, lost = move(person, project, "bidding"), move(person, project, "lost")

    assert (refused.status, refused.problem) == (409, "client_not_customer")
    assert lost.status == 200


def test_of_two_moves_at_once_one_is_made(erp: Erp, person: Person):
    project = UUID(make_project(person))
    start = threading.Barrier(2)

    def bid() -> str:
        start.wait()
        try:
            erp.units.run(erp.actor(person), lambda ctx: services.move_project(ctx, project, MoveProject(to="bidding")))
        except WrongState as refused:
            return str(refused.code)
        return "moved"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(future.result() for future in [pool.submit(bid), pool.submit(bid)])

    assert outcomes == ["moved", "wrong_state"]


def test_moving_needs_its_own_permission(erp: Erp, person: Person):
    project = make_project(person)
    resident = erp.sign_in(
        person.tenant_slug, permissions=["construccion.projects.read", "construccion.projects.update"]
    )

    answer = move(resident, project, "bidding")

    assert (answer.status, answer.body["permission"]) == (403, "construccion.projects.move")


def test_another_company_finds_none_of_it(person: Person, stranger: Person):
    project = make_project(person)

    answers = [
        stranger.get(f"{PROJECTS}/{project}"),
        move(stranger, project, "bidding"),
        stranger.delete(f"{PROJECTS}/{project}"),
    ]

    assert [answer.status for answer in answers] == [404, 404, 404]
    assert stranger.items(PROJECTS) == []


def test_a_job_cannot_have_another_companys_client(person: Person, stranger: Person):
    foreign = make_client(stranger)

    answer = create_project(person, client_id=foreign)

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "unknown_reference", "/client_id")


@pytest.mark.parametrize("field", ["code", "name"])
def test_code_and_name_are_unique(person: Person, field: str):
    create_project(person, **{field: "ENCINOS"})

    answer = create_project(person, **{field: "ENCINOS"})

    assert (answer.status, answer.problem, answer.body["pointer"]) == (409, "duplicate", f"/{field}")


def test_an_end_before_the_start_is_refused_even_when_only_one_is_changed(person: Person):
    project = make_project(person, planned_start="2026-03-02", planned_end="2026-10-30")

    answer = person.patch(f"{PROJECTS}/{project}", {"planned_end": "2026-03-01"})

    assert (answer.status, answer.problem, answer.body["rule"]) == (422, "rule_violated", "planned_end")


def test_the_client_of_an_open_job_is_not_archived(person: Person):
    client = make_client(person)
    make_project(person, client_id=client, code="ENCINOS-1")

    answer = person.delete(f"/core/partners/{client}")

    assert (answer.status, answer.problem, answer.body["codes"]) == (409, "partner_in_use", "ENCINOS-1")
    assert person.get(f"/core/partners/{client}").body["archived_at"] is None


def test_the_client_of_a_lost_job_is_archived(person: Person):
    client = make_client(person)
    move(person, make_project(person, client_id=client), "bidding", "lost")

    answer = person.delete(f"/core/partners/{client}")

    assert (answer.status, answer.body["archived_at"] is not None) == (200, True)


def test_what_is_not_a_partner_is_archived_without_being_asked_for_jobs(person: Person):
    project = make_project(person)

    answer = person.delete(f"{PROJECTS}/{project}")

    assert answer.status == 200


def test_a_nodes_code_is_unique_under_its_parent_only(person: Person):
    project = make_project(person)
    top = [person.post(NODES, {"project_id": project, "kind": "block", "code": code}) for code in ("A", "B", "a")]
    blocks = [answer.body["id"] for answer in top[:2]]

    lots = [
        person.post(NODES, {"project_id": project, "parent_id": block, "kind": "lot", "code": "L-01"})
        for block in (*blocks, blocks[0])
    ]

    assert [answer.status for answer in top] == [201, 201, 409]
    assert [answer.status for answer in lots] == [201, 201, 409]


def test_a_node_lies_in_the_project_of_its_parent(person: Person):
    first, second = make_project(person), make_project(person)
    parent = person.post(NODES, {"project_id": first, "kind": "stage", "code": "E1"}).body["id"]

    answer = person.post(NODES, {"project_id": second, "parent_id": parent, "kind": "block", "code": "A"})

    assert (answer.status, answer.problem) == (422, "unknown_reference")


def test_a_node_stays_where_it_was_put(person: Person):
    project = make_project(person)
    node = person.post(NODES, {"project_id": project, "kind": "stage", "code": "E1", "area_m2": "112.50"}).body

    answer = person.patch(f"{NODES}/{node['id']}", {"parent_id": node["id"]})

    assert (answer.status, answer.body["pointer"], node["area_m2"]) == (422, "/parent_id", "112.5")


def test_jobs_are_found_by_the_beginning_of_their_name_without_accents(person: Person):
    make_project(person, name="Ampliación de bodega")

    found = person.items(f"{PROJECTS}?q=ampliacion&fields=name&include=client")

    assert [(item["name"], item["client"]["name"]) for item in found] == [
        ("Ampliación de bodega", "Desarrollos Los Encinos")
    ]


def overdue_events(erp: Erp, actor: Actor) -> list[str]:
    wanted = select(OutboxEntry.payload["code"].astext).where(
        OutboxEntry.tenant_id == actor.tenant_id, OutboxEntry.name == "construccion.projects.overdue"
    )
    return sorted(erp.units.run(actor, lambda ctx: list(ctx.session.scalars(wanted))))


def test_late_jobs_are_announced_once_a_day(erp: Erp, person: Person):
    late, on_time = (
        make_project(person, code=code, planned_end=end)
        for code, end in (("LATE", "2026-11-20"), ("ON-TIME", "2026-11-22"))
    )
    idle = make_project(person, code="IDLE", planned_end="2026-01-01")
    for project in (late, on_time):
        move(person, project, "bidding", "awarded", "executing")
    move(person, idle, "bidding")
    actor = erp.actor(person)
    evening = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # still the 22nd in Mexico

    for _ in range(2):
        erp.units.run(actor, lambda ctx: tasks.run_flag_overdue(ctx, evening))
    first_day = overdue_events(erp, actor)
    erp.units.run(actor, lambda ctx: services.flag_overdue_projects(ctx, date(2026, 11, 23)))

    assert first_day == ["LATE"]
    assert overdue_events(erp, actor) == ["LATE", "LATE", "ON-TIME"]


def test_two_workers_at_once_announce_a_late_job_once(erp: Erp, person: Person):
    move(person, make_project(person, code="LATE", planned_end="2026-11-20"), "bidding", "awarded", "executing")
    actor, start = erp.actor(person), threading.Barrier(2)

    def flag() -> int:
        start.wait()
        return erp.units.run(actor, lambda ctx: services.flag_overdue_projects(ctx, date(2026, 11, 22)))

    with ThreadPoolExecutor(2) as pool:
        flagged = sum(future.result() for future in [pool.submit(flag), pool.submit(flag)])

    assert (flagged, overdue_events(erp, actor)) == (1, ["LATE"])


def test_the_nightly_task_announces_once_when_the_worker_gets_it_twice(
    erp: Erp, person: Person, start_worker: Callable[[], subprocess.Popen[bytes]]
):
    move(person, make_project(person, code="LATE", planned_end="2026-11-20"), "bidding", "awarded", "executing")
    actor, due = erp.actor(person), datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
    tasks_done = select(func.count()).select_from(InboxEntry).where(InboxEntry.tenant_id == actor.tenant_id)
    for _ in range(2):
        erp.units.run(actor, lambda ctx: ctx.defer("construccion.flag_overdue_projects", due=due))

    start_worker()
    give_up_at = time.monotonic() + 30
    while (
        done := erp.units.run(actor, lambda ctx: ctx.session.scalar(tasks_done))
    ) != 2 and time.monotonic() < give_up_at:
        time.sleep(0.2)

    assert (done, overdue_events(erp, actor)) == (2, ["LATE"])


def test_the_application_cannot_change_a_notice(erp: Erp, person: Person):
    move(person, make_project(person, planned_end="2026-11-20"), "bidding", "awarded", "executing")
    actor = erp.actor(person)
    erp.units.run(actor, lambda ctx: services.flag_overdue_projects(ctx, date(2026, 11, 22)))

    with pytest.raises(Exception, match="permission denied"):
        erp.units.run(actor, lambda ctx: ctx.session.execute(text("DELETE FROM construccion.overdue_notices")))

    assert erp.units.run(actor, lambda ctx: ctx.session.scalar(select(func.count()).select_from(OverdueNotice))) == 1


def test_without_its_client_the_demo_job_is_left_out(erp: Erp, person: Person):
    actor = erp.actor(person)

    erp.units.run(actor, demo.load_housing_job)

    assert person.items(PROJECTS) == []


def test_the_demo_job_is_being_built_on_eight_lots(erp: Erp, person: Person):
    make_client(person, code=demo.CLIENT)
    actor = erp.actor(person)

    for _ in range(2):
        erp.units.run(actor, demo.load_housing_job)

    assert [item["state"] for item in person.items(PROJECTS)] == ["executing"]
    assert [node["kind"] for node in person.items(NODES)].count("lot") == 8
