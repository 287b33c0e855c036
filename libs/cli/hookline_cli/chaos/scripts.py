"""How each kind of case is played: starts and events in the order that makes it what it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from hookline_cli.chaos.calls import Calls
from hookline_cli.chaos.cases import FAN_OUT, Case, Kind
from hookline_cli.chaos.journal import Played, Sending
from hookline_cli.chaos.scenery import Scenery, event_for, signed_by
from hookline_cli.client import ApiFailure
from hookline_cli.sending import new_secret
from hookline_common.platforms.signing import SignedRequest

LOOK_SECONDS = 0.05
_NOT_FOUND = 404


class Stage:
    """Plays one case, and remembers what was answered."""

    def __init__(self, calls: Calls, scenery: Scenery, case: Case, patience_seconds: float) -> None:
        self._calls = calls
        self._scenery = scenery
        self._case = case
        self._patience = patience_seconds
        self._executions: list[str] = []
        self._sendings: list[Sending] = []

    async def play(self) -> Played:
        """Play the case to its end; raises ApiFailure where something was refused."""
        await _SCRIPTS[self._case.kind](self)
        return Played(self._case, tuple(self._executions), tuple(self._sendings))

    # --- the scripts ---

    async def resume(self) -> None:
        """It waits, and the event comes."""
        await self._start()
        await self._send("a")

    async def fan_out(self) -> None:
        """Many wait for the same."""
        await asyncio.gather(*(self._start() for _ in range(FAN_OUT)))
        await self._send("a")

    async def start(self) -> None:
        """An event alone; whether it starts or does nothing is said in it."""
        await self._send("a")

    async def early(self) -> None:
        """The event comes before the task waits for it."""
        workflow_id = await self._start()
        await self._send("a")
        await self._open_gate(workflow_id)

    async def duplicate(self) -> None:
        """One delivery several times, each signed anew, two of them at the same time."""
        await self._start()
        await asyncio.gather(self._send("a"), self._send("a"))
        await self._send("a")

    async def replayed(self) -> None:
        """The same bytes with the same signature again and again."""
        await self._start()
        request = self._request("a", self._secret)
        for _ in range(3):
            await self._post("a", request)

    async def forged(self) -> None:
        """Somebody without the secret says the same, and only then the real event comes."""
        await self._start()
        await self._post("b", self._request("b", f"whsec_{new_secret()}"))
        await self._send("a")

    async def redelivered(self) -> None:
        """Nobody waits for it at first; later somebody does, and it is delivered once more."""
        await self._send("a")
        await self._until_settled(self._sendings[0].event_id)
        await self._start()
        await self._send("a")

    async def cancelled(self) -> None:
        """Who waited is terminated before the event comes."""
        workflow_id = await self._start()
        await self._calls.good("DELETE", f"/workflow/{workflow_id}")
        await self._send("a")

    async def keyed(self) -> None:
        """Two events that shall start once, because their key is the same."""
        await self._send("a")
        await self._send("b")

    async def loop(self) -> None:
        """A loop takes two events; the first one is delivered twice and must count once."""
        await self._start()
        await asyncio.gather(self._send("a"), self._send("a"))
        await self._send("b")

    async def changed(self) -> None:
        """A webhook and a workflow that are made just now, with paths that are new."""
        await self._scenery.build_for(self._case)
        await self.resume()

    # --- steps ---

    async def _start(self) -> str:
        # With the key a start whose answer was lost finds its own execution again.
        number = len(self._executions)
        self._executions.append("")
        request = {
            "name": self._scenery.flow_of(self._case),
            "version": 1,
            "input": {"chaos": {"order": self._case.order}},
            "idempotencyKey": f"{self._case.order}-{number}",
            "idempotencyStrategy": "RETURN_EXISTING",
        }
        workflow_id = str(await self._calls.good("POST", "/workflow", request))
        self._executions[number] = workflow_id
        return workflow_id

    @property
    def _secret(self) -> str:
        return self._scenery.webhook_of(self._case).secret

    def _request(self, which: str, secret: str) -> SignedRequest:
        webhook, now_ms = self._scenery.webhook_of(self._case), time.time_ns() // 1_000_000
        return signed_by(secret, webhook, event_for(self._case, which, webhook, now_ms), now_ms)

    async def _send(self, which: str) -> None:
        await self._post(which, self._request(which, self._secret))

    async def _post(self, which: str, request: SignedRequest) -> None:
        answer = await self._calls.send(request)
        if not answer.good:
            raise ApiFailure(f"the gateway answered {answer.status}: {answer.value}")
        self._sendings.append(Sending(self._case.delivery(which), answer.event_id, answer.tries))

    async def _open_gate(self, workflow_id: str) -> None:
        path = f"/tasks/{workflow_id}/gate/COMPLETED"
        answer = await self._calls.call("POST", path, {})
        opened_before = answer.status == _NOT_FOUND and answer.tries > 1
        if not answer.good and not opened_before:
            raise ApiFailure(f"POST {path}: {answer.status} {answer.value}", answer.status)

    async def _until_settled(self, event_id: str) -> None:
        """Until the event has its verdict, or that one has it of which it is a duplicate: an
        earlier copy whose acknowledgement was lost.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while loop.time() < deadline:
            answer = await self._calls.call("GET", f"/webhook-events/{event_id}")
            verdict = answer.value["verdict"] if answer.good else "pending"
            if verdict == "duplicate":
                event_id = answer.value["duplicateOf"]
            elif verdict != "pending":
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise ApiFailure(f"event {event_id} got no verdict in {self._patience:g} s")


_SCRIPTS: Mapping[Kind, Callable[[Stage], Awaitable[None]]] = {
    Kind.RESUME: Stage.resume,
    Kind.START: Stage.start,
    Kind.BOTH: Stage.resume,
    Kind.EARLY: Stage.early,
    Kind.DUPLICATE: Stage.duplicate,
    Kind.REPLAYED: Stage.replayed,
    Kind.FORGED: Stage.forged,
    Kind.FAN_OUT: Stage.fan_out,
    Kind.UNMATCHED: Stage.start,
    Kind.REDELIVERED: Stage.redelivered,
    Kind.CANCELLED: Stage.cancelled,
    Kind.KEYED: Stage.keyed,
    Kind.LOOP: Stage.loop,
    Kind.TIMER: Stage.resume,
    Kind.CHANGED: Stage.changed,
    Kind.HTTP: Stage.resume,
}
