"""Claims of deliveries: which of several events with one delivery id counts (protocols.md E1).

A claim names the event that holds it and the first event of the delivery (`origin`), which stands
for it in whatever must not happen twice. It is inserted after verification and before matching.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from hookline_common.collections import DELIVERIES
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Document, Documents
from hookline_common.errors import StoreUnavailable
from hookline_common.eventrecords import EventRecord
from hookline_common.ids import digest
from hookline_common.topics import RECEIVED
from hookline_matcher.records import MAX_ROUNDS, EventRecords
from hookline_matcher.verdicts import EFFECTLESS


class Claim(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Who holds a delivery id, since when (its time of arrival)."""

    event_id: str
    received_at: int
    origin: str


class Claimant(msgspec.Struct, frozen=True):
    """An event that wants a claim; `reason` says what is the same, if it is not the delivery id."""

    claim_id: str
    event_id: str
    received_at: int
    window_ms: int
    reason: str | None = None


class Ruling(msgspec.Struct, frozen=True):
    """What came of it: a duplicate of another event, or the claim's holder, for `origin`."""

    duplicate_of: str | None = None
    origin: str | None = None
    reason: str | None = None


_encode = msgspec.json.Encoder().encode
_claim_of = msgspec.json.Decoder(Claim).decode


def delivery_claim_id(webhook_id: str, incarnation: int, delivery_id: str) -> str:
    """The id of the claim of a sender's delivery id."""
    return digest("delivery", webhook_id, str(incarnation), delivery_id)


def bytes_claim_id(webhook_id: str, incarnation: int, body: bytes) -> str:
    """The id of the claim of a body (options.sameBytes, protocols.md E2)."""
    return digest("bytes", webhook_id, str(incarnation), sha256(body).hexdigest())


@dataclass(slots=True)
class _Contest:
    claimant: Claimant
    held: Claim
    rev: int


class Deliveries:
    """The collection of claims."""

    def __init__(self, documents: Documents, records: EventRecords) -> None:
        self._documents = documents
        self._records = records

    async def claim(self, claimants: Sequence[Claimant]) -> Mapping[str, Ruling]:
        """A ruling for each event id; of an event with several claims, any duplicate decides."""
        rulings: dict[str, Ruling] = {}
        losers = await self._insert(claimants, rulings)
        for _ in range(MAX_ROUNDS):
            if not losers:
                return rulings
            losers = await self._contest(losers, rulings)
        raise StoreUnavailable("a delivery was claimed by others again and again")

    async def _insert(
        self, claimants: Sequence[Claimant], rulings: dict[str, Ruling]
    ) -> list[Claimant]:
        first: dict[str, Claimant] = {}
        for claimant in claimants:
            first.setdefault(claimant.claim_id, claimant)
        if not first:
            return []
        documents = [_document(claimant, claimant.event_id) for claimant in first.values()]
        reached(CrashPoint.MATCHER_CLAIMING)
        known = await self._documents.insert(DELIVERIES, documents)
        reached(CrashPoint.MATCHER_CLAIMED)
        losers: list[Claimant] = []
        for claimant in claimants:
            if claimant is first[claimant.claim_id] and claimant.claim_id not in known:
                _rule(rulings, claimant, Ruling(origin=claimant.event_id))
            else:
                losers.append(claimant)
        return losers

    async def _contest(
        self, losers: Sequence[Claimant], rulings: dict[str, Ruling]
    ) -> list[Claimant]:
        contests, again = await self._held(losers)
        records = await self._records_of(contests)
        taking: dict[str, tuple[_Contest, str]] = {}
        for contest in contests:
            claimant, held = contest.claimant, contest.held
            own, holder = records.get(claimant.event_id), records.get(held.event_id)
            outside = abs(claimant.received_at - held.received_at) > claimant.window_ms
            if held.event_id == claimant.event_id:
                _rule(rulings, claimant, Ruling(origin=held.origin))
            elif own is not None and own.verdict == "duplicate":
                # It was judged before: what came of the other since then changes nothing for it.
                _rule(rulings, claimant, Ruling(own.duplicate_of, reason=own.reason))
            elif not outside and (holder is None or holder.verdict not in EFFECTLESS):
                _rule(rulings, claimant, Ruling(held.event_id, reason=claimant.reason))
            elif claimant.claim_id in taking:
                again.append(claimant)
            else:
                origin = claimant.event_id if outside else held.origin
                taking[claimant.claim_id] = (contest, origin)
        return again + await self._take_over(taking, rulings)

    async def _held(self, losers: Sequence[Claimant]) -> tuple[list[_Contest], list[Claimant]]:
        ids = list(dict.fromkeys(claimant.claim_id for claimant in losers))
        found = await self._documents.get(DELIVERIES, ids)
        contests: list[_Contest] = []
        expired: list[Claimant] = []
        for claimant in losers:
            document = found.get(claimant.claim_id)
            if document is None:
                expired.append(claimant)
            else:
                contests.append(_Contest(claimant, _claim_of(document.body), document.rev))
        if not expired:
            return contests, []
        await self._documents.insert(DELIVERIES, _fresh(expired))
        return contests, expired

    async def _records_of(self, contests: Iterable[_Contest]) -> Mapping[str, EventRecord]:
        """The records of claimants and holders. One without a record is still on its way."""
        ids = [
            event_id
            for contest in contests
            if contest.held.event_id != contest.claimant.event_id
            for event_id in (contest.held.event_id, contest.claimant.event_id)
        ]
        found = await self._records.load(ids)
        return {event_id: event.record for event_id, event in found.items()}

    async def _take_over(
        self, taking: Mapping[str, tuple[_Contest, str]], rulings: dict[str, Ruling]
    ) -> list[Claimant]:
        if not taking:
            return []
        documents = [
            msgspec.structs.replace(_document(contest.claimant, origin), rev=contest.rev)
            for contest, origin in taking.values()
        ]
        reached(CrashPoint.MATCHER_MOVING_CLAIMS)
        conflicts = await self._documents.replace(DELIVERIES, documents)
        reached(CrashPoint.MATCHER_MOVED_CLAIMS)
        for claim_id, (contest, origin) in taking.items():
            if claim_id not in conflicts:
                _rule(rulings, contest.claimant, Ruling(origin=origin))
        return [taking[claim_id][0].claimant for claim_id in conflicts]


def _rule(rulings: dict[str, Ruling], claimant: Claimant, ruling: Ruling) -> None:
    known = rulings.get(claimant.event_id)
    if known is None or known.duplicate_of is None:
        # The claim of the bytes says nothing about which delivery the event stands for.
        keep = known is not None and ruling.duplicate_of is None and claimant.reason is not None
        rulings[claimant.event_id] = known if keep and known is not None else ruling


def _fresh(claimants: Iterable[Claimant]) -> list[Document]:
    first: dict[str, Claimant] = {}
    for claimant in claimants:
        first.setdefault(claimant.claim_id, claimant)
    return [_document(claimant, claimant.event_id) for claimant in first.values()]


def _document(claimant: Claimant, origin: str) -> Document:
    body = Claim(claimant.event_id, claimant.received_at, origin)
    kept_ms = claimant.window_ms + RECEIVED.retention_ms
    return Document(
        id=claimant.claim_id,
        body=_encode(body),
        expires_at_ms=claimant.received_at + kept_ms,
    )
