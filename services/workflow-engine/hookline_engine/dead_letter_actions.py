"""What an operator does about dead letters: take them back to their topic, or drop them.

A call does one page, so that a caller who stops in between has done what was answered and no more.
A letter is held by lease while it is taken back. Whoever dies in between leaves it waiting, and the
message may be in its topic twice, which the ids in it make harmless.
"""

import msgspec

from hookline_common.collections import DEAD_LETTERS
from hookline_common.dead_letters import source_record
from hookline_common.documents import (
    EVERYTHING,
    All,
    Condition,
    Document,
    Documents,
    Op,
    Order,
    Page,
    Query,
    Where,
)
from hookline_common.errors import NotFound
from hookline_common.eventlog import Delivered, EventLog, Sync
from hookline_common.ids import random_id
from hookline_engine.dead_letters import DeadLetter, State, document_of, letter_of

LARGEST_PAGE = 500
_LEASE_MS = 60_000
_WAITING = Condition("state", Op.EQ, "waiting")
_OLDEST_FIRST = (Order("at"),)


class Done(msgspec.Struct, frozen=True, rename="camel"):
    """What a page came to, and how many letters of the selection are waiting still."""

    changed: int
    expired: int
    remaining: int


class DeadLetters:
    """The collection, and the log in which the messages lie."""

    def __init__(self, documents: Documents, log: EventLog) -> None:
        self._documents = documents
        self._log = log

    async def page(self, where: Where, limit: int, cursor: str | None) -> Page:
        """Letters, the newest first."""
        order = (Order("at", descending=True),)
        return await self._documents.find(
            DEAD_LETTERS, Query(where, order, limit=limit, after=cursor)
        )

    async def get(self, letter_id: str) -> DeadLetter:
        """A letter; NotFound if there is none."""
        found = await self._documents.get(DEAD_LETTERS, [letter_id])
        if letter_id not in found:
            raise NotFound(f"There is no dead letter {letter_id}.", code="dead_letter_not_found")
        return letter_of(found[letter_id].body)

    async def message(self, letter: DeadLetter) -> Delivered | None:
        """The message as it lies in the dead-letter topic; None once the log has let go of it."""
        topic, partition, offset = letter.position
        for delivered in await self._log.read(topic, partition, offset, 1):
            if delivered.position.offset == offset:
                return delivered
        return None

    async def waiting(self, where: Where = EVERYTHING) -> int:
        """How many of the selection are waiting."""
        return await self._documents.count(DEAD_LETTERS, _still(where))

    async def states(self, ids: list[str]) -> dict[str, State]:
        """The states of those of the letters that there are."""
        found = await self._documents.get(DEAD_LETTERS, ids)
        return {key: letter_of(document.body).state for key, document in found.items()}

    async def now_ms(self) -> int:
        """The store's clock."""
        return await self._documents.now_ms()

    async def redrive(self, where: Where, limit: int) -> Done:
        """Append the oldest waiting ones to their topics again, with their own headers."""
        held = await self._hold(where, limit)
        letters = [letter_of(document.body) for document in held]
        messages = [await self.message(letter) for letter in letters]
        await self._log.append(
            [
                source_record(message.record, letter.cause.topic, letter.id)
                for letter, message in zip(letters, messages, strict=True)
                if message is not None
            ],
            Sync.LATER,  # with the marks, which follow
        )
        states: list[State] = ["expired" if each is None else "redriven" for each in messages]
        await self._mark(held, states)
        gone = states.count("expired")
        return Done(len(states) - gone, gone, await self.waiting(where))

    async def drop(self, where: Where, limit: int) -> Done:
        """Mark the oldest waiting ones as done with. The log keeps them until their time is up."""
        held = await self._hold(where, limit)
        await self._mark(held, ["dropped"] * len(held))
        return Done(len(held), 0, await self.waiting(where))

    async def _hold(self, where: Where, limit: int) -> list[Document]:
        query = Query(_still(where), _OLDEST_FIRST, limit=limit)
        return list(await self._documents.claim(DEAD_LETTERS, query, _LEASE_MS, random_id()))

    async def _mark(self, held: list[Document], states: list[State]) -> None:
        """By compare-and-set: who took over after our lease has its own say."""
        now_ms = await self.now_ms()
        await self._documents.replace(
            DEAD_LETTERS,
            [
                document_of(
                    msgspec.structs.replace(
                        letter_of(document.body), state=state, changed_at=now_ms
                    ),
                    document.expires_at_ms,
                    document.rev,
                )
                for document, state in zip(held, states, strict=True)
            ],
            Sync.NOW,
        )


def _still(where: Where) -> Where:
    return All((where, _WAITING))
