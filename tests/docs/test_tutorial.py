"""The first tutorial ends as it says, against a real server: as the program, and as the calls of its page."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .conftest import Served
from .documents import TUTORIAL, blocks


def run(served: Served, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=served.environment, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )


def test_the_program_of_the_tutorial_finds_everything_as_it_should_be(served: Served, tmp_path: Path) -> None:
    program = str(TUTORIAL / "first-steps.sh")

    done = run(served, ["bash", program, served.address], tmp_path)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "all 17 steps went as they should" in done.stdout


def test_the_program_of_the_tutorial_fails_where_no_server_is(served: Served, tmp_path: Path) -> None:
    program = str(TUTORIAL / "first-steps.sh")

    done = run(served, ["bash", program, "http://127.0.0.1:9"], tmp_path)

    assert done.returncode != 0


def test_the_calls_on_the_page_of_the_tutorial_answer_what_it_says(served: Served, tmp_path: Path) -> None:
    shutil.copy(TUTORIAL / "make_files.py", tmp_path)
    calls = [block.text for block in blocks(TUTORIAL / "first-steps.md") if block.language == "bash"]
    program = "set -euo pipefail\n" + "\n".join(calls).replace("http://127.0.0.1:3011", served.address)

    done = run(served, ["bash", "-c", program], tmp_path)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    told = done.stdout
    for line in ("done 10000 10000", "5000 products", "50 partners", "['60', '40']", "409 insufficient_stock ALM-1"):
        assert line in told
    assert "5001 products.csv" in told
    assert "0 products for Berta\n404 not_found\n404 not_found\n" in told
