"""Whatever happens to messages, workers and Redis, deferred work is done, and done once."""

from __future__ import annotations

import time

from sqlalchemy import select

from erp_core.kernel.context import Actor
from erp_core.kernel.database.tables import AuditEntry, InboxEntry, OutboxEntry
from erp_core.kernel.errors import DatabaseAway, Forbidden, StaleVersion
from erp_core.kernel.tasks.actors import TooManyAttempts, is_final, retry_seconds
from erp_core.kernel.tasks.broker import make_broker, make_message
from erp_core.kernel.tasks.outbox import failed_tasks, replay
from erp_core.kernel.tasks.worker import list_workers

QUEUE = "sample"


def test_a_deferred_task_is_done_soon_after_the_commit(place, worker, until):
    until(lambda: list_workers(f"{place.redis.url}/0"))

    started = time.monotonic()
    place.defer("sample.write_note", text="hello")
    until(place.notes, 5)

    assert place.notes() == ["hello"]
    assert time.monotonic() - started < 2
    until(lambda: place.owed() == 0)


def test_a_task_of_a_rolled_back_transaction_is_never_done(place, worker):
    def regret(ctx):
        ctx.defer("sample.write_note", text="never")
        raise ZeroDivisionError

    try:
        place.as_user(regret)
    except ZeroDivisionError:
        time.sleep(0.7)

    assert place.owed() == 0
    assert place.notes() == []


def test_a_message_delivered_many_times_has_its_effect_once(place, worker, until):
    broker = make_broker(place.application.addresses)
    entry_id = place.defer("sample.write_note", text="once")

    for _ in range(5):
        broker.enqueue(make_message(QUEUE, "sample.write_note", str(place.tenant_id), str(entry_id)))
    until(place.notes)
    broker.enqueue(make_message(QUEUE, "sample.write_note", str(place.tenant_id), str(entry_id)))
    until(lambda: place.redis.client.hlen("erp:sample.msgs") == 0)

    assert place.notes() == ["once"]
    assert place.as_user(lambda ctx: ctx.session.scalars(select(InboxEntry.id)).all()) == [entry_id]
    broker.client.close()


def test_a_message_with_a_wrong_signature_goes_nowhere(place, worker, until, forge):
    entry_id = place.defer("sample.break_down", path=str(place.folder / "never"), text="x")
    stranger = make_broker(forge(place.application.addresses, task_key=b"not the key"))

    stranger.enqueue(make_message(QUEUE, "sample.write_note", str(place.tenant_id), str(entry_id)))
    place.redis.client.hset("erp:sample.msgs", "raw", b"no message at all")
    place.redis.client.rpush("erp:sample", "raw")
    until(lambda: place.redis.client.hlen("erp:sample.msgs") == 0)
    place.defer("sample.write_note", text="honest")
    until(place.notes)

    assert place.notes() == ["honest"]
    assert place.redis.client.keys("erp:__acks__*") == []
    assert place.redis.client.zcard("erp:sample.XQ") == 0
    stranger.client.close()


def test_a_failing_task_is_repeated_then_given_up_and_can_be_replayed(place, worker, until):
    path = place.folder / "repaired"
    entry_id = place.defer("sample.break_down", path=str(path), text="at last")

    until(lambda: place.owed() == 0, 15)
    given_up = place.as_user(lambda ctx: [entry.id for entry in failed_tasks(ctx)])
    path.touch()
    place.as_user(lambda ctx: replay(ctx, entry_id))
    until(place.notes)

    assert given_up == [entry_id]
    assert place.notes() == ["at last"]
    assert place.as_user(failed_tasks) == []


def test_a_task_that_takes_too_long_is_stopped_and_rolled_back(place, worker, until):
    place.defer("sample.sleep_too_long", text="too long")

    until(lambda: place.owed() == 0, 10)

    assert place.notes() == []


def test_a_task_acts_for_the_user_who_caused_it(place, worker, until):
    place.defer("sample.audit", thing=str(place.user_id))

    entry = until(lambda: place.as_user(lambda ctx: ctx.session.scalar(select(AuditEntry))))

    assert (entry.user_id, entry.request_id) == (place.user_id, "request-1")


def test_an_event_is_taken_off_the_pending_entries_and_stays_in_the_outbox(place, worker, until):
    place.as_user(lambda ctx: ctx.emit("sample.notes.written", {"text": "x"}))

    until(lambda: place.owed() == 0)

    assert place.as_user(lambda ctx: ctx.session.scalars(select(OutboxEntry.name)).all()) == ["sample.notes.written"]


def test_a_task_of_another_tenant_cannot_be_taken_by_a_message(place, worker, until):
    entry_id = place.defer("sample.break_down", path=str(place.folder / "never"), text="mine")
    broker = make_broker(place.application.addresses)

    broker.enqueue(make_message(QUEUE, "sample.write_note", str(place.user_id), str(entry_id)))
    until(lambda: place.redis.client.hlen("erp:sample.msgs") == 0)

    assert place.units.run(Actor(place.user_id), lambda ctx: ctx.session.scalars(select(InboxEntry.id)).all()) == []
    broker.client.close()


def test_bad_luck_is_tried_again_and_a_refusal_is_not():
    assert not is_final(DatabaseAway())
    assert not is_final(StaleVersion())
    assert is_final(Forbidden(permission="sample.notes.write"))
    assert is_final(TooManyAttempts(attempts=3))


def test_the_pauses_between_attempts_grow_up_to_an_hour():
    pauses = [retry_seconds(attempt) for attempt in (1, 2, 3, 30)]

    assert 2 <= pauses[0] <= 3
    assert 4 <= pauses[1] <= 6
    assert 8 <= pauses[2] <= 12
    assert 3600 <= pauses[3] <= 5400
