"""Where the embedded servers keep everything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_data_path

from erp_core.kernel.embedded.errors import EmbeddedUnavailable


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return `ERP_DATA_DIR`, or else the folder `erp` where this system keeps a user's data."""
    if chosen := environ.get("ERP_DATA_DIR"):
        return Path(chosen).expanduser().absolute()
    xdg = Path(environ.get("XDG_DATA_HOME", ""))
    if xdg.is_absolute():  # The XDG rules say that a relative value is to be ignored.
        return xdg / "erp"
    return user_data_path("erp", appauthor=False)


def prepare_data_dir(data_dir: Path) -> Path:
    """Make the data directory, closed to other users, and return its real path."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(data_dir, os.R_OK | os.W_OK | os.X_OK)
    except FileExistsError as exists:
        msg = f"The data directory {data_dir} is a file. Set ERP_DATA_DIR to a directory."
        raise EmbeddedUnavailable(msg) from exists
    except PermissionError:
        usable = False
    if not usable:
        msg = f"The data directory {data_dir} belongs to another user. Set ERP_DATA_DIR to a directory of your own."
        raise EmbeddedUnavailable(msg)
    return data_dir.resolve()
