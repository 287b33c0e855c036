"""The closed set of reasons why an event was rejected, matched nothing or had an effect refused."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# --- rejected: the sender could not be proved -----------------------------------------------------
URL_NOT_VERIFIED: Final = "url_not_verified"
SIGNATURE_MISSING: Final = "signature_missing"
SIGNATURE_MALFORMED: Final = "signature_malformed"
SIGNATURE_MISMATCH: Final = "signature_mismatch"
TIMESTAMP_MISSING: Final = "timestamp_missing"
TIMESTAMP_MALFORMED: Final = "timestamp_malformed"
TIMESTAMP_TOO_OLD: Final = "timestamp_too_old"
TIMESTAMP_IN_FUTURE: Final = "timestamp_in_future"
HEADER_MISSING: Final = "header_missing"
HEADER_MISMATCH: Final = "header_mismatch"
HEADER_REPEATED: Final = "header_repeated"
TOKEN_MISSING: Final = "token_missing"  # noqa: S105 - a reason code, not a password
TOKEN_MISMATCH: Final = "token_mismatch"  # noqa: S105 - a reason code, not a password
SIGNED_VALUE_MISSING: Final = "signed_value_missing"
BODY_NOT_EXPECTED: Final = "body_not_expected"
NO_SECRET: Final = "no_secret"  # noqa: S105 - a reason code, not a password
SECRET_MALFORMED: Final = "secret_malformed"  # noqa: S105 - a reason code, not a password
WEBHOOK_DELETED: Final = "webhook_deleted"
SAME_BYTES: Final = "same_bytes"
ANSWERED_UNAUTHORIZED: Final = "answered_unauthorized"

# --- unmatched: verified, but nothing took it -----------------------------------------------------
PAYLOAD_UNREADABLE: Final = "payload_unreadable"
NO_WAIT: Final = "no_wait"
WAIT_TIMED_OUT: Final = "wait_timed_out"
TOO_MANY_VALUES: Final = "too_many_values"

# --- failed: a start or resume was refused --------------------------------------------------------
IDEMPOTENCY_KEY_EMPTY: Final = "idempotency_key_empty"

# --- dead: a message of the event was put aside ---------------------------------------------------
DEAD_LETTERED: Final = "dead_lettered"

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        URL_NOT_VERIFIED: "The platform's challenge has not been answered yet; until then all "
        "else is ignored.",
        SIGNATURE_MISSING: "The request carries no signature.",
        SIGNATURE_MALFORMED: "The signature does not have the form that this platform uses.",
        SIGNATURE_MISMATCH: "The signature does not fit the body and any of the secrets in force.",
        TIMESTAMP_MISSING: "The request carries no timestamp.",
        TIMESTAMP_MALFORMED: "The timestamp is not a whole number of seconds or milliseconds.",
        TIMESTAMP_TOO_OLD: "The timestamp is too long before the time of arrival.",
        TIMESTAMP_IN_FUTURE: "The timestamp is too far after the time of arrival.",
        HEADER_MISSING: "A header that every request must carry is not there.",
        HEADER_MISMATCH: "A header that every request must carry has a different value.",
        HEADER_REPEATED: "A header that must be there once came several times.",
        TOKEN_MISSING: "The request carries no token.",
        TOKEN_MISMATCH: "The token is none of those in force.",
        SIGNED_VALUE_MISSING: "A value that the signature covers is not in the request.",
        BODY_NOT_EXPECTED: "The body is not a JSON object, and this platform sends nothing else.",
        NO_SECRET: "No secret is in force for this webhook, so nothing can be proved.",
        SECRET_MALFORMED: "The configured secret is not of the kind that this platform gives out.",
        WEBHOOK_DELETED: "The webhook is unknown or was deleted before the event was judged.",
        SAME_BYTES: "Exactly these signed bytes came before, and the webhook refuses repeats.",
        ANSWERED_UNAUTHORIZED: "The sender was answered 401, which is final; a replay judges anew.",
        PAYLOAD_UNREADABLE: "The body cannot be read as a payload without loss.",
        NO_WAIT: "No task waits for such an event, and no rule starts a workflow for it.",
        WAIT_TIMED_OUT: "The event came in time, but the task that waited for it had timed out.",
        TOO_MANY_VALUES: "The event gives more than 256 combinations of values for one wait.",
        DEAD_LETTERED: "A message of the event could not be processed and was put aside.",
        IDEMPOTENCY_KEY_EMPTY: "The idempotency key resolves to nothing for this event.",
    }
)


def sentence(reason: str) -> str:
    """What the reason means, for people."""
    return SENTENCES.get(reason, reason)
