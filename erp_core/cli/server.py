"""One ASGI application, served by granian inside this process.

Embedded in our own event loop, granian takes 33 MB for a bare application where its supervisor and worker take 44, and
the application is handed over as an object.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from granian.constants import Interfaces
from granian.server.embed import Server

from erp_core.cli import statuses
from erp_core.kernel.errors import OperatorError

# Requests that still run when a stop is asked for have this long; then their connections are cut.
GRACE: Final = 3.5


def serve_application(application: Any, host: str, port: int, *, started: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, on uvloop where there is one; ``started`` is called once the lifespan runs."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(application, host, port, started))
    else:
        uvloop.run(_serve(application, host, port, started))


async def _serve(application: Any, host: str, port: int, started: Callable[[], None]) -> None:
    stop = asyncio.Event()
    _on_signals(stop.set)
    # Without `log_enabled` granian says nothing: the application logs in its own format.
    server = Server(application, host, port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
    async with _lifespan(application):
        serving = asyncio.create_task(server.serve())
        waiting = asyncio.create_task(stop.wait())
        started()
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if serving.done() and not stop.is_set():
            await serving
            raise OperatorError("The HTTP server ended by itself.", "Start it again; the log above says more.")
        await _stop(server, serving)


async def _stop(server: Server, serving: asyncio.Task[None]) -> None:
    """Let the open requests end, and cut what takes longer than ``GRACE``."""
    asyncio.get_running_loop().set_exception_handler(_ignore_late_answers)
    server.stop()  # type: ignore[no-untyped-call]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(serving, GRACE)


def _ignore_late_answers(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # A cut server still reports its end to a future that nobody waits for any more.
    if not isinstance(context.get("exception"), asyncio.InvalidStateError):
        loop.default_exception_handler(context)


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


@contextlib.asynccontextmanager
async def _lifespan(application: Any) -> AsyncIterator[None]:
    """Run the application's lifespan around the server, not inside it, so that a cut server still closes its pools."""
    incoming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outgoing: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    running = asyncio.create_task(application(scope, incoming.get, outgoing.put))
    await _phase(running, incoming, outgoing, "startup")
    try:
        yield
    finally:
        await _phase(running, incoming, outgoing, "shutdown")


async def _phase(
    running: asyncio.Task[None], incoming: asyncio.Queue[Any], outgoing: asyncio.Queue[Any], phase: str
) -> None:
    await incoming.put({"type": f"lifespan.{phase}"})
    answer = asyncio.ensure_future(outgoing.get())
    await asyncio.wait({answer, running}, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        await running  # raises what went wrong
        return
    message = answer.result()
    if message["type"].endswith(".failed"):
        # An application may also raise the error itself, which says more than its message does.
        done, _ = await asyncio.wait({running}, timeout=1)
        for task in done:
            task.result()
        running.cancel()
        text = (message.get("message") or "no reason given").strip().splitlines()[-1]
        raise OperatorError(
            f"The application failed at its {phase}: {text}.", "`erp doctor` looks closer.", status=statuses.REFUSED
        )
