"""The one tree of errors; whether to retry is decided by type, never by reading a message.

    HooklineError
    ├── Retryable          the same call may succeed later: back off and try again
    │   ├── LogUnavailable          the event log cannot take or give records now
    │   ├── StoreUnavailable        the document store cannot answer now
    │   └── DiskFull                the embedded folder has reached its limit
    ├── Poison             this message can never be processed: dead-letter it
    │   ├── Undecodable             bytes that are not the message they should be
    │   ├── SealBroken              no key here opens what was sealed
    │   └── Stuck                   failed again and again while others succeed
    ├── Fatal              the process must not go on
    │   ├── Misconfigured           a setting is wrong: names variable, value, allowed
    │   ├── FolderInUse             another process holds the data folder
    │   └── DurabilityLost          a sync to disk failed
    ├── AssignmentLost     the partition belongs to another consumer now: drop the batch
    └── ApiError           what a caller of the HTTP API sees (status, code, message, field)
        ├── BadRequest 400 · Unauthorized 401 · Forbidden 403 · NotFound 404
        ├── MethodNotAllowed 405 · Conflict 409 · Gone 410 · TooLarge 413
        └── Misdirected 421 · TooManyRequests 429 · Unavailable 503

A class's docstring is its default message.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class HooklineError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class Retryable(HooklineError):
    """Not possible right now; try again."""


class LogUnavailable(Retryable):
    """The event log cannot be reached or cannot take records now."""


class StoreUnavailable(Retryable):
    """The document store cannot be reached or cannot answer now."""


class DiskFull(Retryable):
    """The disk, or the share of it that Hookline may use, is full."""


class Poison(HooklineError):
    """This message can never be processed."""


class Undecodable(Poison):
    """The bytes are not the message they should be."""


class SealBroken(Poison):
    """None of the seal keys of this process opens this sealed value."""


class Stuck(Poison):
    """The message failed repeatedly while others on the same store succeeded."""


class Fatal(HooklineError):
    """The process cannot go on."""


class Misconfigured(Fatal):
    """A setting has a value that is not allowed."""


class FolderInUse(Fatal):
    """Another process is using this data folder."""


class DurabilityLost(Fatal):
    """A sync to disk failed: what was written may not be there any more."""


class AssignmentLost(HooklineError):
    """The partition was given to another consumer; the batch is dropped and read again there."""


class ApiError(HooklineError):
    """The request failed."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        field: str | None = None,
        violations: Sequence[Mapping[str, Any]] = (),
        retry_after_seconds: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """`field` is a JSON Pointer into the request; `violations` become `validationErrors`."""
        super().__init__(message)
        self.code = code or self.default_code
        self.field = field
        self.violations = violations
        self.retry_after_seconds = retry_after_seconds
        self.metadata = metadata


class BadRequest(ApiError):
    """The request is not valid."""

    status = 400
    default_code = "bad_request"


class Unauthorized(ApiError):
    """The request carries no valid credentials."""

    status = 401
    default_code = "unauthorized"


class Forbidden(ApiError):
    """The request is not allowed."""

    status = 403
    default_code = "forbidden"


class NotFound(ApiError):
    """There is no such thing."""

    status = 404
    default_code = "not_found"


class MethodNotAllowed(ApiError):
    """The path exists, but not for this method."""

    status = 405
    default_code = "method_not_allowed"


class Conflict(ApiError):
    """The request does not fit the present state."""

    status = 409
    default_code = "conflict"


class Gone(ApiError):
    """It was here, and is kept no longer."""

    status = 410
    default_code = "gone"


class TooLarge(ApiError):
    """The body is larger than allowed."""

    status = 413
    default_code = "too_large"


class Misdirected(ApiError):
    """This host name is not served here."""

    status = 421
    default_code = "misdirected"


class TooManyRequests(ApiError):
    """Too many requests."""

    status = 429
    default_code = "too_many_requests"


class Unavailable(ApiError):
    """Not possible right now; try again."""

    status = 503
    default_code = "unavailable"
