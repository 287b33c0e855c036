"""Each platform as a sender: what its webhook is saved with, and its requests, signed by others."""

import base64
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.common import foreign_senders as foreign

Headers = dict[str, str]
JSON = {"content-type": "application/json"}
KEY = "dG9wIHNlY3JldCBvZiBhIHRlc3QsIHJlYWxseSE="  # base64, since some platforms' secrets are
OTHER_KEY = "bm90IHRoZSByaWdodCBvbmUgYXQgYWxsISEh"


class Request(NamedTuple):
    """A request as it goes over the wire."""

    body: bytes
    headers: Headers


class PlatformSender(NamedTuple):
    """`sign` takes the key and the body; `path` is where an event carries its order."""

    name: str
    fields: Mapping[str, Any]
    sign: Callable[[str, bytes], Headers]
    reason: str
    event: Callable[[str, str], Any] = lambda order, delivery: {"id": delivery, "order": order}
    headers: Callable[[str], Headers] = lambda delivery: {}
    path: str = "$.order"
    key: str = KEY
    other_key: str = OTHER_KEY
    suffix: bytes = b""
    reply: bytes = b""
    forged_status: int = 200

    def request(self, order: str, key: str = "") -> Request:
        """An event about an order, with a delivery id of its own."""
        delivery = str(uuid.uuid4())
        body = msgspec.json.encode(self.event(order, delivery)) + self.suffix
        signature = self.sign(key or self.key, body)
        return Request(body, {**JSON, **self.headers(delivery), **signature})

    def forged(self, order: str) -> Request:
        """The same, signed with another key."""
        return self.request(order, self.other_key)


def payload_of(request: Request) -> Any:
    """The payload that Hookline makes of a JSON body (webhooks.md section 4)."""
    value = msgspec.json.decode(request.body)
    return value if isinstance(value, dict) else {"request": value}


def _now() -> int:
    return int(time.time())


def _mac_header(key: str, body: bytes) -> Headers:
    mac = hmac.new(key.encode(), body, hashlib.sha512).digest()
    return {"x-signature": f"v2={base64.b64encode(mac).decode()}"}


def _slack_event(order: str, delivery: str) -> Any:
    event = {"type": "message", "text": "grüße"}
    return {"type": "event_callback", "event_id": f"Ev{delivery}", "event": event, "order": order}


def _github_headers(delivery: str) -> Headers:
    return {"x-github-delivery": delivery, "x-github-event": "pull_request"}


GITHUB = PlatformSender(
    "GitHub",
    {"sourcePlatform": "GitHub", "secretValue": KEY},
    lambda key, body: foreign.github(key, body, 0),
    "signature_mismatch",
    headers=_github_headers,
)
SLACK = PlatformSender(
    "Slack",
    {"sourcePlatform": "Slack", "secretValue": KEY},
    lambda key, body: foreign.slack(key, body, _now()),
    "signature_mismatch",
    _slack_event,
)
STRIPE = PlatformSender(
    "Stripe",
    {"sourcePlatform": "Stripe", "secretValue": f"whsec_{KEY}"},
    lambda key, body: foreign.stripe(f"whsec_{key}", body, _now()),
    "signature_mismatch",
)
TEAMS = PlatformSender(
    "Microsoft Teams",
    {"sourcePlatform": "Microsoft Teams", "secretValue": KEY},
    lambda key, body: foreign.teams(key, body, 0),
    "signature_mismatch",
    reply=b'{"type":"message","text":"Received."}',
    forged_status=401,
)
X = PlatformSender(
    "X",
    {"sourcePlatform": "X", "secretValue": KEY},
    lambda key, body: foreign.x(key, body, 0),
    "signature_mismatch",
)
STANDARD = PlatformSender(
    "Standard Webhooks",
    {"sourcePlatform": "Standard Webhooks", "secretValue": f"whsec_{KEY}"},
    lambda key, body: foreign.standard(f"whsec_{key}", body, _now()),
    "signature_mismatch",
)
CUSTOM_HEADERS = PlatformSender(
    "Custom, headers",
    {"sourcePlatform": "Custom", "headers": {"appName": "demoApp", "X-Key": KEY}},
    lambda key, body: {"appname": "demoApp", "x-key": key},
    "header_mismatch",
)
CUSTOM_TOKEN = PlatformSender(
    "Custom, token",
    {
        "sourcePlatform": "Custom",
        "secretValue": KEY,
        "verification": {"alg": "token", "header": "Authorization", "prefix": "Bearer "},
    },
    lambda key, body: {"authorization": f"Bearer {key}"},
    "token_mismatch",
)
CUSTOM_BASIC = PlatformSender(
    "Custom, basic",
    {"sourcePlatform": "Custom", "secretValue": f"ann:{KEY}", "verification": {"alg": "basic"}},
    lambda key, body: {
        "authorization": f"Basic {base64.b64encode(f'ann:{key}'.encode()).decode()}"
    },
    "token_mismatch",
)
CUSTOM_HMAC = PlatformSender(
    "Custom, HMAC",
    {
        "sourcePlatform": "Custom",
        "secretValue": KEY,
        "verification": {
            "alg": "hmac-sha512",
            "header": "X-Signature",
            "prefix": "v2=",
            "enc": "base64",
        },
    },
    _mac_header,
    "signature_mismatch",
)

WITH_SHARED_SECRET = (
    GITHUB,
    SLACK,
    STRIPE,
    TEAMS,
    X,
    STANDARD,
    CUSTOM_HEADERS,
    CUSTOM_TOKEN,
    CUSTOM_BASIC,
    CUSTOM_HMAC,
)


def sendgrid(folder: Path) -> PlatformSender:
    """SendGrid signs with a private key: two pairs made by openssl, the first one registered."""
    private, public = foreign.new_openssl_pair(folder, "sendgrid")
    other, _ = foreign.new_openssl_pair(folder, "other")
    return PlatformSender(
        "SendGrid",
        {"sourcePlatform": "SendGrid", "secretKey": public},
        lambda key, body: foreign.sendgrid_headers(Path(key), body, _now()),
        "signature_mismatch",
        lambda order, delivery: [{"event": "open", "sg_event_id": delivery, "order": order}],
        path="$.request[*].order",
        key=str(private),
        other_key=str(other),
        suffix=b"\r\n",
    )
