"""The catalogue of platforms: which one a webhook means, and what users are told about each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from hookline_common.errors import BadRequest
from hookline_common.platforms.custom import CUSTOM, GENERIC_HMAC, GENERIC_SIGNATURE
from hookline_common.platforms.declaration import Declaration, Platform, Sample
from hookline_common.platforms.github import GITHUB
from hookline_common.platforms.microsoft_teams import MICROSOFT_TEAMS
from hookline_common.platforms.own_verification import declaration_of
from hookline_common.platforms.sendgrid import SENDGRID
from hookline_common.platforms.slack import SLACK
from hookline_common.platforms.standard_webhooks import STANDARD_WEBHOOKS
from hookline_common.platforms.stripe import STRIPE
from hookline_common.platforms.x import X
from hookline_common.webhooks import WebhookConfig

CATALOGUE = "CATALOGUE"

PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        platform.key: platform
        for platform in (
            GITHUB,
            SLACK,
            STRIPE,
            MICROSOFT_TEAMS,
            SENDGRID,
            CUSTOM,
            X,
            STANDARD_WEBHOOKS,
            GENERIC_SIGNATURE,
            GENERIC_HMAC,
        )
    }
)

# Where the source platform is unknown or "Custom", Conductor's verifier name decides.
_BY_VERIFIER: Mapping[str, Platform] = MappingProxyType(
    {
        "HEADER_BASED": CUSTOM,
        "SIGNATURE_BASED": GENERIC_SIGNATURE,
        "HMAC_BASED": GENERIC_HMAC,
        "SLACK_BASED": SLACK,
        "STRIPE": STRIPE,
        "TWITTER": X,
        "SENDGRID": SENDGRID,
    }
)
VERIFIERS = (*_BY_VERIFIER, CATALOGUE)

_ALIASES: Mapping[str, Platform] = MappingProxyType(
    {"twitter": X, "teams": MICROSOFT_TEAMS, "msteams": MICROSOFT_TEAMS, "svix": STANDARD_WEBHOOKS}
)


def platform_named(name: str) -> Platform | None:
    """The listed platform of that label, key or usual other name, in any case."""
    wanted = _folded(name)
    for platform in PLATFORMS.values():
        if platform.listed and wanted in (_folded(platform.label), _folded(platform.key)):
            return platform
    return _ALIASES.get(wanted)


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def resolve(source_platform: str | None, verifier: str | None) -> Platform:
    """The platform that a webhook's `sourcePlatform` and `verifier` mean (webhooks.md section 1).

    Raises BadRequest with the field where they contradict each other or say nothing.
    """
    if verifier and verifier not in VERIFIERS:
        allowed = ", ".join(VERIFIERS)
        raise BadRequest(
            f"There is no verifier {verifier!r}; allowed are {allowed}.",
            code="unknown_verifier",
            field="/verifier",
        )
    named = platform_named(source_platform) if source_platform else None
    if named is None or (named is CUSTOM and verifier):
        return _by_verifier(named, source_platform, verifier)
    if verifier and verifier not in (named.verifier, CATALOGUE):
        raise BadRequest(
            f"{named.label} is verified by {named.verifier}, not by {verifier}.",
            code="verifier_mismatch",
            field="/verifier",
        )
    return named


def _by_verifier(named: Platform | None, source: str | None, verifier: str | None) -> Platform:
    platform = _BY_VERIFIER.get(verifier or "") or named
    if platform is not None:
        return platform
    known = ", ".join(platform.label for platform in PLATFORMS.values() if platform.listed)
    said = f"{source!r} is no platform of the catalogue" if source else "no platform is named"
    raise BadRequest(
        f"{said}: name one of {known}, or a verifier.",
        code="unknown_platform",
        field="/sourcePlatform",
    )


def declaration_for(config: WebhookConfig) -> Declaration:
    """What a saved webhook is checked by: its platform's declaration, with what the webhook says
    itself (`verification`, `headerKey`). Raises BadRequest only for what was never validated.
    """
    platform = PLATFORMS[config.platform]
    if platform is CUSTOM and config.verification:
        return declaration_of(config.verification)
    if config.header_key and platform in (GENERIC_SIGNATURE, GENERIC_HMAC):
        return _with_header(platform.declaration, config.header_key)
    return platform.declaration


def _with_header(declaration: Declaration, header: str) -> Declaration:
    source = f"header:{header.strip().lower()}"
    schemes = tuple(msgspec.structs.replace(scheme, sig=source) for scheme in declaration.schemes)
    return msgspec.structs.replace(declaration, schemes=schemes)


def description(platform: Platform) -> dict[str, Any]:
    """What `GET /api/metadata/webhook-platforms` says about a platform."""
    declaration = platform.declaration
    return {
        "key": platform.key,
        "label": platform.label,
        "verifier": platform.verifier,
        "method": declaration.method,
        "fields": msgspec.to_builtins(platform.fields),
        "setup": list(platform.setup),
        "documentation": platform.documentation,
        "handshakes": [handshake.name for handshake in declaration.handshakes],
        "answeredInRequest": declaration.synchronous,
        "needsPrivateKeyToSign": platform is SENDGRID,
        "toleranceSeconds": _tolerance(declaration),
        "samples": [_described(sample) for sample in platform.samples],
    }


def _tolerance(declaration: Declaration) -> int | None:
    rules = [scheme.ts for scheme in declaration.schemes if scheme.ts is not None]
    return rules[0].tolerance_seconds if rules else None


def _described(sample: Sample) -> dict[str, Any]:
    return {
        "name": sample.name,
        "title": sample.title,
        "method": sample.method,
        "headers": sample.headers,
        "query": sample.query,
        "body": None if sample.body is None else msgspec.json.decode(sample.body),
    }


def descriptions() -> list[dict[str, Any]]:
    """All listed platforms, in the order of the catalogue."""
    return [description(platform) for platform in PLATFORMS.values() if platform.listed]
