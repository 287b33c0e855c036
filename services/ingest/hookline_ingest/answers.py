"""What the gateway answers, as the messages of ASGI."""

from collections.abc import Sequence

import msgspec
from starlette.types import Receive, Send

from hookline_common import reasons
from hookline_common.errors import ApiError, Unauthorized
from hookline_common.platforms.declaration import Declaration
from hookline_common.platforms.handshakes import HandshakeAnswer
from hookline_common.platforms.verification import Judgement
from hookline_common.web_answers import error_body
from hookline_ingest.bodies import drain

Headers = list[tuple[bytes, bytes]]

ALLOWED_METHODS = ("POST", "PUT", "GET", "HEAD", "OPTIONS")
EVENT_ID_HEADER = b"hookline-event-id"


class Answer(msgspec.Struct, frozen=True):
    """A status, headers in ASGI's form, and a body."""

    status: int
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = b""


ALLOW = Answer(204, ((b"allow", ", ".join(ALLOWED_METHODS).encode()),))


def acknowledgement(declaration: Declaration) -> Answer:
    """What the platform wants to hear of a stored event."""
    ack = declaration.ack
    headers: Headers = []
    if ack.content_type:
        headers.append((b"content-type", ack.content_type.encode("latin-1")))
    return Answer(ack.status, headers, ack.body.encode())


def handshake_answer(answer: HandshakeAnswer) -> Answer:
    """What the platform wants to hear to its handshake."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    return Answer(answer.status, headers, answer.body)


def refusal(judgement: Judgement) -> Answer:
    """401 with the reason, which names the check and never the secret."""
    reason = judgement.reason or "unauthorized"
    return error(Unauthorized(reasons.sentence(reason), code=reason))


def error(problem: ApiError) -> Answer:
    """An error as JSON."""
    headers: Headers = [(b"content-type", b"application/json")]
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    return Answer(problem.status, headers, msgspec.json.encode(error_body(problem)))


async def send_answer(send: Send, answer: Answer, event_id: str = "") -> None:
    """Send it whole; with the id of the event it is about, if there is one."""
    headers = [*answer.headers]
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    if event_id:
        headers.append((EVENT_ID_HEADER, event_id.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def refuse_body(send: Send, receive: Receive, problem: ApiError) -> None:
    """Answer while the body is still coming: the answer goes out at once, some of the rest is read
    so that the sender gets to see it, and the connection ends.
    """
    answer = error(problem)
    length = b"%d" % len(answer.body)
    headers = [*answer.headers, (b"content-length", length), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    await drain(receive)
    await send({"type": "http.response.body", "body": b""})
