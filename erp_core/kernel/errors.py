"""The ways in which the platform refuses, each with a stable code."""

from __future__ import annotations

from typing import Any, ClassVar


class Problem(Exception):
    """A refusal that its caller can understand and act upon.

    A subclass gives ``code`` (stable, snake case), ``status`` (HTTP) and ``message``: one English sentence with the
    facts in braces. Catalogues translate the sentence under the key ``problem.<code>``. ``facts`` become members of the
    problem document; values must be plain JSON.
    """

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 422
    message: ClassVar[str] = "The request could not be carried out."

    def __init__(self, *, pointer: str | None = None, **facts: Any) -> None:
        self.pointer = pointer
        self.facts = facts
        super().__init__(self.describe())

    def describe(self, template: str | None = None) -> str:
        """Fill the sentence (or its translation) with the facts."""
        return (template or self.message).format_map(_Facts(self.facts))


class _Facts(dict[str, Any]):
    """Keep a placeholder without a fact readable instead of failing inside an error path."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


class ProblemList(Problem):
    """Several refusals at once, each with its pointer."""

    code = "invalid"
    message = "{count} things in the request are wrong; each is listed."

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(count=len(problems))


class InvalidInput(Problem):
    """A field is missing, unknown, of the wrong type or out of its range."""

    code = "invalid_input"
    message = "{reason}"


class MalformedJson(Problem):
    """The body is not JSON at all."""

    code = "malformed_json"
    status = 400
    message = "The body is not valid JSON: {reason}"


class BadRequest(Problem):
    """The request is not one that HTTP allows, or breaks off."""

    code = "bad_request"
    status = 400
    message = "The request cannot be read: {reason}"


class BodyTooLarge(Problem):
    """The body is longer than the route accepts."""

    code = "body_too_large"
    status = 413
    message = "The body has more than {limit} bytes, the most that this route takes."


class UnsupportedMediaType(Problem):
    """The body is of a type that the route does not take."""

    code = "unsupported_media_type"
    status = 415
    message = "This route takes {expected}; the request sent {sent}."


class NotFound(Problem):
    """There is no such object for this caller; a foreign tenant's id answers the same."""

    code = "not_found"
    status = 404
    message = "There is no such object."


class MethodNotAllowed(Problem):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
    message = "This address does not take that method."


class Unauthenticated(Problem):
    """No valid token was sent."""

    code = "unauthenticated"
    status = 401
    message = "Sign in and send the access token as a bearer token."


class Forbidden(Problem):
    """The caller lacks the permission of the route."""

    code = "forbidden"
    status = 403
    message = "This needs the permission {permission}."


class Duplicate(Problem):
    """Another row already has this value."""

    code = "duplicate"
    status = 409
    message = "Another one already has the same {fields}."


class UnknownReference(Problem):
    """A field points at an object that does not exist for this tenant."""

    code = "unknown_reference"
    message = "{field} names something that does not exist."


class StillReferenced(Problem):
    """The object cannot go because others point at it."""

    code = "still_referenced"
    status = 409
    message = "Others still refer to it ({by})."


class RuleViolated(Problem):
    """A rule that the database keeps was about to be broken."""

    code = "rule_violated"
    message = "The rule {rule} does not hold for these values."


class Overlap(Problem):
    """Two things claim the same stretch of time or the same place."""

    code = "overlap"
    status = 409
    message = "It overlaps with another one ({rule})."


class WrongState(Problem):
    """The document is in a state from which it cannot go there; ``allowed`` lists where it can."""

    code = "wrong_state"
    status = 409
    message = "{document} is in the state {state}; from there it may go to: {allowed}."


class EndsBeforeStart(Problem):
    """A stretch of time ends before it starts."""

    code = "ends_before_start"
    message = "The end {end} lies before the start {start}."


class InvalidEmail(Problem):
    """The text is not an email address."""

    code = "invalid_email"
    message = "{email} is not an email address such as ana@example.com."


class StaleVersion(Problem):
    """Somebody changed the object since the caller read it."""

    code = "stale_version"
    status = 412
    message = "It was changed in the meantime; read it again and repeat the change."


class PreconditionMalformed(Problem):
    """The If-Match header is not an ETag of ours."""

    code = "precondition_malformed"
    status = 400
    message = 'If-Match takes one ETag such as "3".'


class IdempotencyConflict(Problem):
    """The key was used before with another body."""

    code = "idempotency_conflict"
    message = "This Idempotency-Key was used before with another request; use a new key."


class IdempotencyInFlight(Problem):
    """The first request with this key is still running."""

    code = "idempotency_in_flight"
    status = 409
    message = "The first request with this Idempotency-Key is still running; ask again in a moment."


class IdempotencyKeyInvalid(Problem):
    """The key is empty or too long."""

    code = "idempotency_key_invalid"
    status = 400
    message = "An Idempotency-Key has 1 to 200 printable characters."


class TooManyRequests(Problem):
    """The caller goes faster than its limit."""

    code = "too_many_requests"
    status = 429
    message = "Too many requests; try again in {retry_after} seconds."


class DatabaseAway(Problem):
    """The database cannot be reached just now."""

    code = "database_away"
    status = 503
    message = "The database cannot be reached; try again in a moment."


class InternalError(Problem):
    """Something failed that should not; the request id finds it in the log."""

    code = "internal_error"
    status = 500
    message = "Something went wrong here; the log has it under request {request_id}."


class OperatorError(Exception):
    """A command-line refusal: one sentence, the remedy and an exit status."""

    def __init__(self, sentence: str, remedy: str, *, status: int = 1) -> None:
        self.sentence = sentence
        self.remedy = remedy
        self.status = status
        super().__init__(f"{sentence} {remedy}")


def clashing_codes() -> dict[str, list[type[Problem]]]:
    """List the codes that two classes share: a code is the same refusal everywhere, with one sentence."""
    by_code: dict[str, list[type[Problem]]] = {}
    for kind in _kinds():
        by_code.setdefault(kind.code, []).append(kind)
    return {code: kinds for code, kinds in sorted(by_code.items()) if len(kinds) > 1}


def every_problem() -> dict[str, type[Problem]]:
    """List every refusal that is loaded, by code; used by the reference and its test."""
    return {kind.code: kind for kind in sorted(_kinds(), key=lambda kind: kind.code)}


def _kinds() -> list[type[Problem]]:
    found: list[type[Problem]] = []
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        # A subclass that only narrows another one keeps its code.
        if kind is not Problem and "code" in vars(kind):
            found.append(kind)
    return found
