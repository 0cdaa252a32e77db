"""When a schedule is due, across changes of daylight saving time; pure functions.

A schedule with ``*`` as its hour follows real time: in the hour that happens twice it fires in both, and an hour that
does not happen has no moments. Every other schedule names hours of the local day and fires once for each: in a repeated
hour only the first time, and a moment inside a skipped hour fires as much later as the clock jumped (02:30 becomes
03:30).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter

from erp_core.kernel.tasks.declaration import Schedule, Task

# No zone in use shifts its clocks by more.
_LONGEST_SHIFT = timedelta(hours=3)


def next_due(cron: str, time_zone: str, after: datetime) -> datetime:
    """Give the first moment later than ``after``, in UTC."""
    zone = ZoneInfo(time_zone)
    local = after.astimezone(zone).replace(tzinfo=None)
    if _steady(zone, after):
        moments = _moments(cron, zone, next(_forwards(cron, local)))
        if moments and moments[0] > after and _steady(zone, moments[0]):
            return moments[0]
    best: datetime | None = None
    for wall in _forwards(cron, local - _LONGEST_SHIFT):
        later = [moment for moment in _moments(cron, zone, wall) if moment > after]
        best = min(later if best is None else [*later, best], default=None)
        if best is not None and wall > best.astimezone(zone).replace(tzinfo=None) + _LONGEST_SHIFT:
            break
    return cast("datetime", best)


def latest_due(cron: str, time_zone: str, until: datetime) -> datetime:
    """Give the last moment that is not later than ``until``, in UTC."""
    zone = ZoneInfo(time_zone)
    local = until.astimezone(zone).replace(tzinfo=None)
    best: datetime | None = None
    reach = _LONGEST_SHIFT if not _steady(zone, until) else timedelta(0)
    for wall in _backwards(cron, local + reach):
        earlier = [moment for moment in _moments(cron, zone, wall) if moment <= until]
        best = max(earlier if best is None else [*earlier, best], default=None)
        if best is not None and _steady(zone, best) and reach == timedelta(0):
            break
        if best is not None and wall < best.astimezone(zone).replace(tzinfo=None) - _LONGEST_SHIFT:
            break
    return cast("datetime", best)


def moment_id(due: datetime, *names: str) -> UUID:
    """Give the one id of what happens at a moment under these names, everywhere the same; a UUIDv7 by its order."""
    milliseconds = int(due.timestamp() * 1000) & (1 << 48) - 1
    rest = int.from_bytes(hashlib.sha256("\0".join([due.astimezone(UTC).isoformat(), *names]).encode()).digest()[:10])
    number = milliseconds << 80 | rest
    number = number & ~(0xF << 76) | 0x7 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def _moments(cron: str, zone: ZoneInfo, wall: datetime) -> list[datetime]:
    """Give the moments that a reading of the wall clock stands for: none, one or two."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return [first]
    happens = first.astimezone(zone).replace(tzinfo=None) == wall
    if cron.split()[1] == "*":
        return [first, second] if happens else []
    # A reading that does not happen, taken with the offset before the jump, lands as much later as the clock jumped.
    return [first]


def _steady(zone: ZoneInfo, moment: datetime) -> bool:
    """Tell whether the clocks do not change within hours of a moment."""
    around = (moment - 2 * _LONGEST_SHIFT, moment, moment + 2 * _LONGEST_SHIFT)
    return len({instant.astimezone(zone).utcoffset() for instant in around}) == 1


def _forwards(cron: str, wall: datetime) -> Iterator[datetime]:
    readings = croniter(cron, wall)
    while True:
        yield readings.get_next(datetime)


def _backwards(cron: str, wall: datetime) -> Iterator[datetime]:
    # Looking back never gives the start itself, and microseconds are no part of a reading.
    readings = croniter(cron, wall.replace(microsecond=0) + timedelta(seconds=1))
    while True:
        yield readings.get_prev(datetime)


def schedule_faults(schedule: Schedule, tasks: Mapping[str, Task]) -> list[str]:
    """List what is wrong with a declared schedule, in full sentences; empty when nothing is."""
    faults = []
    if len(schedule.cron.split()) != 5 or not croniter.is_valid(schedule.cron):
        faults.append(f"The schedule {schedule.name} has no five valid fields: {schedule.cron!r}.")
    if schedule.time_zone not in available_timezones():
        faults.append(f"The schedule {schedule.name} names an unknown time zone: {schedule.time_zone!r}.")
    if schedule.task not in tasks:
        faults.append(f"The schedule {schedule.name} starts {schedule.task}, which is not a declared task.")
    return faults
