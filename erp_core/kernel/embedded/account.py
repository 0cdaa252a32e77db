"""Which user of the system the servers run as.

PostgreSQL refuses to run as root, and rightly: whoever reaches its superuser could run programs as root. So when this
process is root, both servers run under a user id that owns nothing else. No account is created and no permission of
any folder above the data directory is widened. Two things make that possible: a server works in its own folder and
names it `/proc/self/cwd`, which the kernel resolves without walking through closed folders above; and programs that
lie below a closed folder, such as an environment in /root, are copied once to where that user may read them.
"""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from erp_core.kernel.embedded.errors import EmbeddedUnavailable

# systemd's table of user ids leaves 60578 to 61183 to nobody, and distributions give out ids up to 60000.
SERVICE_UID = 60_999
_SHELF = Path("/var/lib/erp-core")


class Identity(TypedDict, total=False):
    """Arguments of `subprocess.run` that change who the child is."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The user that runs a server; `uid` None means the user who runs this process."""

    uid: int | None

    def identity(self) -> Identity:
        """Return the arguments that make a child process run as this account."""
        return Identity() if self.uid is None else Identity(user=self.uid, group=self.uid, extra_groups=[])

    def own(self, folder: Path) -> None:
        """Make this account the owner of a folder and of all that is in it."""
        if self.uid is None or sys.platform == "win32":
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)


def server_account(folder: Path) -> Account:
    """Return who runs the server of `folder`: the present user or, for root, the folder's owner or a spare user id."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return Account(None)
    owner = folder.stat().st_uid if folder.exists() else 0
    return Account(owner or SERVICE_UID)


def initdb_account() -> Account:
    """Return who may run initdb, which insists on a user id that has a name."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return Account(None)
    users = importlib.import_module("pwd").getpwall()  # A module that Windows does not have.
    named = {user.pw_name: user.pw_uid for user in users if user.pw_uid}
    if not named:
        msg = "PostgreSQL cannot run as root and this system has no other user. Run as an ordinary user."
        raise EmbeddedUnavailable(msg)
    return Account(named.get("nobody", next(iter(named.values()))))


def own_name(folder: Path, account: Account) -> str:
    """Return the name under which a server whose working directory is `folder` can always reach it."""
    if sys.platform == "linux":
        return "/proc/self/cwd"
    if account.uid is not None and not _open_to_others(folder.parent):
        msg = f"PostgreSQL cannot run as root and {folder} lies in a folder closed to other users. Move ERP_DATA_DIR."
        raise EmbeddedUnavailable(msg)
    return str(folder)


def runnable(program: Path, package: Path, release: str, account: Account, shelf: Path = _SHELF) -> Path:
    """Return `program`, or its copy below `shelf` if it lies where the account may not go.

    `program` lies inside the folder `package`; the copy has the libraries beside the package too, and one release is
    copied once and never changed.
    """
    if account.uid is None or (_open_to_others(program.parent) and _readable(program)):
        return program
    copy = shelf / f"{package.name}-{release}"
    try:
        if not copy.exists():
            _publish(package, copy)
    except OSError as refused:
        msg = f"The user id {account.uid} cannot read {package}, nor can it be copied to {copy}. Install it elsewhere."
        raise EmbeddedUnavailable(msg) from refused
    return copy / program.relative_to(package.parent)


def _publish(package: Path, copy: Path) -> None:
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = copy.with_name(f".{copy.name}-{secrets.token_hex(4)}")
    try:
        # Wheels keep the shared libraries of their programs in such a folder beside the package.
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, unfinished / part.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        for path in (unfinished, *unfinished.rglob("*")):
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
        unfinished.rename(copy)
    except OSError:
        if not copy.exists():  # Otherwise somebody else published the same programs a moment earlier.
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _open_to_others(folder: Path) -> bool:
    return all(_readable(path, stat.S_IXOTH) for path in (folder, *folder.parents))


def _readable(path: Path, wanted: int = stat.S_IROTH | stat.S_IXOTH) -> bool:
    return path.stat().st_mode & wanted == wanted
