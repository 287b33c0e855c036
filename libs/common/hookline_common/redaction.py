"""Which headers and query parameters carry secrets, and what is shown instead of their values."""

import re
from collections.abc import Iterable
from functools import lru_cache

from hookline_common.webhooks import SECRET_SHOWN

# Platforms invent names for their signature and token headers (X-Hub-Signature-256,
# X-Twilio-Email-Event-Webhook-Signature, X-Gitlab-Token …), so the rule goes by the words in it. A
# signature is hidden too: who has it and the body can send a request without a timestamp again.
_SECRET = re.compile(
    r"signature|authorization|cookie|token|secret|passw|hmac|api-?key|credential", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether the value of a header of this name must not be shown."""
    return _SECRET.search(name) is not None


def redacted(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers in order, with the values of secret ones hidden."""
    return tuple(
        [(header[0], SECRET_SHOWN) if is_secret(header[0]) else header for header in headers]
    )
