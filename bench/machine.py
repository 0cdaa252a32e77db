"""What the machine says about a measurement: stolen time, a process's CPU and its memory."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

# What an API process imports before it opens anything.
_BARE = """
import psutil, erp_core.app, erp_core.plugin, erp_core.kernel.http.app, erp_core.cli.server
print(psutil.Process().memory_info().rss)
"""


@dataclass(frozen=True, slots=True)
class Ticks:
    """The machine's CPU time so far, in ticks: all of it, and what other guests took from it."""

    total: int
    stolen: int

    @classmethod
    def parse(cls, text: str) -> Ticks:
        """Read the first line of ``/proc/stat``; guest time is already counted as user time."""
        numbers = [int(part) for part in text.split("\n", 1)[0].split()[1:9]]
        return cls(sum(numbers), numbers[7] if len(numbers) > 7 else 0)

    @classmethod
    def now(cls) -> Ticks:
        """Look at the machine; where there is no ``/proc/stat``, nothing is stolen."""
        stat = Path("/proc/stat")
        return cls.parse(stat.read_text()) if stat.exists() else cls(0, 0)

    def stolen_since(self, before: Ticks) -> float:
        """Give the share that was stolen since ``before``, from 0 to 1."""
        total = self.total - before.total
        return (self.stolen - before.stolen) / total if total else 0.0


def cpu_seconds(pid: int) -> float:
    """Give the CPU time of a process with all its threads."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident(pid: int) -> int:
    """Give the resident memory of a process in bytes."""
    return int(psutil.Process(pid).memory_info().rss)


def bare_resident() -> int:
    """Give the resident memory, in bytes, of a process that imported the API and did nothing."""
    done = subprocess.run([sys.executable, "-c", _BARE], check=True, capture_output=True, text=True, timeout=60)
    return int(done.stdout)
