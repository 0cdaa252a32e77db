"""Structured logs: JSON in production, readable lines in development; never a secret or a body."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
import structlog

Log = structlog.typing.FilteringBoundLogger
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logs(*, production: bool, level: str) -> None:
    """Set up logging for the whole process; other libraries' records join the same stream."""
    number = _LEVELS.get(level, logging.INFO)
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info if production else _keep,
    ]
    if production:
        renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(serializer=_dump)
        factory: Any = structlog.BytesLoggerFactory(sys.stderr.buffer)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The richer formatter prints local variables, and those hold bodies and secrets.
            exception_formatter=structlog.dev.plain_traceback,
        )
        factory = structlog.WriteLoggerFactory(sys.stderr)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s", stream=sys.stderr, force=True
    )


def _keep(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return event


def _dump(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def get_log(name: str) -> Log:
    """Give a logger that says which part speaks."""
    log: Log = structlog.get_logger(part=name)
    return log
