"""Random secrets of this machine, kept beside the data they protect."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from erp_core.kernel.embedded.errors import EmbeddedUnavailable
from erp_core.kernel.embedded.locks import held

_BYTES = 32


def get_or_create_secret(data_dir: Path, name: str) -> str:
    """Return the secret called `name`, making a random one of 256 bits the first time anybody asks.

    The answer is URL-safe text. All processes get the same one, and the file is readable by its owner only.
    """
    known = _read(data_dir)
    if name in known:  # The file is only ever replaced whole, so reading needs no lock.
        return known[name]
    with held(data_dir / "secrets.lock", timeout=30):
        known = _read(data_dir)
        if name not in known:
            known[name] = secrets.token_urlsafe(_BYTES)
            _replace(_path(data_dir), json.dumps(known, indent=2, sort_keys=True))
        return known[name]


def _path(data_dir: Path) -> Path:
    return data_dir / "secrets.json"


def _read(data_dir: Path) -> dict[str, str]:
    try:
        return dict(json.loads(_path(data_dir).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except ValueError as damaged:
        msg = f"The file {_path(data_dir)} is damaged. Restore it from a backup; the servers' passwords are in it."
        raise EmbeddedUnavailable(msg) from damaged


def _replace(path: Path, text: str) -> None:
    """Write the file so that a crash leaves either the old or the new content, never a part."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
