"""Signs sample events as a platform does, and posts them to a webhook's address."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from hookline_cli.client import ApiFailure, http_client
from hookline_common.errors import HooklineError
from hookline_common.ids import uuid7
from hookline_common.platforms.catalogue import PLATFORMS, resolve
from hookline_common.platforms.credentials import Credentials, KnownSecret
from hookline_common.platforms.declaration import Platform
from hookline_common.platforms.samples import sample_named, sample_request
from hookline_common.platforms.signing import SignedRequest, sign, sign_with_private_key

EVENT_ID_HEADER = "Hookline-Event-Id"
_TIMEOUT_SECONDS = 15


class Sent(msgspec.Struct, frozen=True):
    """What the gateway answered."""

    status: int
    event_id: str
    body: str


def platform_of(webhook: Mapping[str, Any]) -> Platform:
    """The platform of a webhook as the API shows it."""
    return resolve(webhook.get("sourcePlatform", ""), webhook.get("verifier"))


def sample(
    platform: Platform, event: str, url: str, assignments: Mapping[str, Any]
) -> SignedRequest:
    """A realistic event of the platform, not signed yet, with a delivery id of its own."""
    now_ms = _now_ms()
    return sample_request(
        sample_named(platform, event),
        delivery=uuid7(now_ms),
        now_ms=now_ms,
        assignments=assignments,
        url=url,
    )


def signed(platform: Platform, secret: str, request: SignedRequest) -> SignedRequest:
    """The request signed with a secret that the sender and Hookline share."""
    if platform.declaration.method == "header":
        raise HooklineError("a header check has no secret to sign with: let the server send it")
    credentials = Credentials(secrets=(KnownSecret("given", secret),))
    return sign(platform.declaration, credentials, request, _now_ms())


def signed_privately(platform: Platform, private_pem: str, request: SignedRequest) -> SignedRequest:
    """The request signed with a private key in PEM."""
    return sign_with_private_key(platform.declaration, private_pem, request, _now_ms())


def post(request: SignedRequest) -> Sent:
    """Send the request to its `url`, byte for byte."""
    url = f"{request.url}?{request.query}" if request.query else request.url
    try:
        with http_client(_TIMEOUT_SECONDS) as http:
            answer = http.request(
                request.method, url, content=request.body, headers=list(request.headers)
            )
    except httpx.HTTPError as error:
        raise ApiFailure(f"cannot reach the gateway at {request.url}: {error}") from error
    return Sent(answer.status_code, answer.headers.get(EVENT_ID_HEADER, ""), answer.text)


def new_secret() -> str:
    """A secret for a webhook: 40 hex digits."""
    return secrets.token_hex(20)


def sample_names() -> list[str]:
    """Every sample of every platform, for completion."""
    return sorted({one.name for platform in PLATFORMS.values() for one in platform.samples})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
