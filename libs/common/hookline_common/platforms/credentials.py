"""What a webhook is checked against: its secrets and header values, opened."""

from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.platforms.declaration import Declaration, Scheme
from hookline_common.platforms.signatures import key_problem
from hookline_common.platforms.sources import parse_source
from hookline_common.webhooks import WebhookConfig

SECRET_KEY_ID = "secretKey"  # noqa: S105 - the name of a field, not a password


class KnownSecret(msgspec.Struct, frozen=True):
    """A secret in the clear. `expires_at` is epoch milliseconds; 0 = never."""

    id: str
    value: str
    expires_at: int = 0

    def __repr__(self) -> str:
        return f"KnownSecret(id={self.id!r})"  # the value must not reach a log

    def in_force(self, at_ms: int) -> bool:
        """Whether it counts for a request that arrived then."""
        return not self.expires_at or at_ms < self.expires_at


class Credentials(msgspec.Struct, frozen=True):
    """The opened secrets of a webhook, and the headers that a header check wants."""

    secrets: tuple[KnownSecret, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return (
            f"Credentials(secrets={self.secrets!r}, headers={[name for name, _ in self.headers]})"
        )

    def in_force(self, at_ms: int) -> list[KnownSecret]:
        """The secrets that count for a request that arrived then."""
        return [secret for secret in self.secrets if secret.in_force(at_ms)]


def credentials_of(
    config: WebhookConfig, secrets: Sequence[KnownSecret], headers: Mapping[str, str]
) -> Credentials:
    """The credentials of a webhook from what was opened of it.

    SendGrid's public key is kept in `secretKey` and counts as a secret; for other platforms that
    field is a label.
    """
    known = tuple(secrets)
    if config.platform == "sendgrid" and config.secret_key:
        known += (KnownSecret(SECRET_KEY_ID, config.secret_key),)
    return Credentials(known, tuple((name.lower(), value) for name, value in headers.items()))


def check_secret(declaration: Declaration, value: str) -> str | None:
    """Why a secret cannot be one of this platform's, as a sentence for the user, if so.

    Of several schemes one that can use it is enough.
    """
    problems = [key_problem(scheme, value) for scheme in declaration.schemes]
    if not problems or None in problems:
        return None
    return f"The secret cannot be used: {problems[0]}."


def secret_headers(declaration: Declaration, checked: Sequence[str] = ()) -> frozenset[str]:
    """Names of the headers whose value is the secret itself (protocols.md D4), in lower case.

    `checked` are the names of the webhook's own header checks.
    """
    named = {name.lower() for name in checked} if declaration.method == "header" else set[str]()
    return frozenset(named | _carriers(declaration, "header"))


def secret_query(declaration: Declaration) -> frozenset[str]:
    """Names of the query parameters whose value is the secret itself."""
    return frozenset(_carriers(declaration, "query"))


def _carriers(declaration: Declaration, kind: str) -> set[str]:
    sources = [parse_source(scheme.sig) for scheme in declaration.schemes if _bare_secret(scheme)]
    return {source.name for source in sources if source.kind == kind}


def _bare_secret(scheme: Scheme) -> bool:
    return scheme.alg in ("token", "basic")
