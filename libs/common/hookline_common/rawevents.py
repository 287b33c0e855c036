"""An accepted request and what the verifier found out about it: the values of `webhooks.received`,
`verified` and `rejected`, in the form the services work with (cloudevents.py puts them on the
wire)."""

from typing import Literal

import msgspec


class Replay(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The mark of a re-appended event (protocols.md E4)."""

    replay_id: str
    replay_of: str
    restart: bool = False


class RawEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A request exactly as it came: body bytes, all headers in order with repeats (names
    lower-case).

    `query` is the raw query string; `url` the external URL as the sender saw it; `received_at`
    epoch milliseconds. `answer` is what ingest answered when it judged the request itself:
    "handshake", "unauthorized" (final, protocols.md E3) or "" (judged later). `sealed` names the
    headers whose value is sealed, and `query:x` for sealed query parameters (D4).
    """

    id: str
    webhook_id: str
    received_at: int
    method: str
    url: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    remote_address: str = ""
    answer: Literal["", "handshake", "unauthorized"] = ""
    sealed: tuple[str, ...] = ()
    replay: Replay | None = None

    @property
    def content_type(self) -> str:
        """The content type that was sent; "" if there was none."""
        return next((value for name, value in self.headers if name == "content-type"), "")


class Check(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One thing that was checked; `detail` says what was expected and what came, never a secret."""

    name: str
    ok: bool
    detail: str = ""


class Verification(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The outcome of the checks. `secret_id` is the secret that fitted."""

    method: str
    secret_id: str | None = None
    checks: tuple[Check, ...] = ()


class JudgedEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A verified or rejected event: `raw.headers` without the sealed ones.

    `verdict` "verified" goes to `webhooks.verified`; "rejected", "handshake" and "paused" go to
    `webhooks.rejected` with `reason` (a code of the closed set in reasons.py) and `detail` (a
    sentence). `position` is where the raw request lies in `webhooks.received`: topic, partition,
    offset.
    """

    raw: RawEvent
    verdict: Literal["verified", "rejected", "handshake", "paused"]
    verified_at: int
    incarnation: int
    webhook_name: str
    delivery_id: str | None = None
    type: str | None = None
    verification: Verification | None = None
    reason: str | None = None
    detail: str | None = None
    position: tuple[str, int, int] | None = None
