"""Each example of the gallery end to end, with events signed by others than Hookline."""

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hookline_common.serving import Door, Listener, open_door
from hookline_console import gallery
from tests.common import foreign_senders as foreign
from tests.pipeline.running_system import Sent, System, fresh, running_system

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "a secret that both sides know"
TOKEN = "xoxb-of-a-test"


class Call(NamedTuple):
    """What an HTTP task asked of the platform."""

    path: str
    authorization: str
    body: Any


class PlatformApi:
    """In the place of slack.com and api.github.com: notes what it is asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.calls: list[Call] = []

    async def take(self, request: Request) -> Response:
        """Slack's answer; a channel that begins with C_NO is one that the bot is not in."""
        body = await request.json()
        self.calls.append(Call(request.url.path, request.headers.get("authorization", ""), body))
        if str(body.get("channel", "")).startswith("C_NO"):
            return JSONResponse({"ok": False, "error": "not_in_channel"})
        return JSONResponse({"ok": True, "ts": "1700000000.000100"})

    def said_to(self, channel: str) -> list[str]:
        """What was posted to a channel."""
        return [call.body["text"] for call in self.calls if call.body.get("channel") == channel]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform_api() -> AsyncIterator[PlatformApi]:
    """A server on a free port."""
    listener = Listener.bind("127.0.0.1", 0, "")
    api = PlatformApi(listener.address)
    app = Starlette(routes=[Route("/{path:path}", api.take, methods=["POST"])])
    failures: list[BaseException] = []
    door = await open_door(Door(app, listener), failures.append)
    yield api
    await door.close()
    listener.socket.close()
    assert not failures


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pipeline(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """All services in this process, with the token that the examples post with."""
    environ = {"HOOKLINE_DATA": str(tmp_path_factory.mktemp("data"))}
    async with running_system("embedded", environ) as system:
        for name in ("slack_bot_token", "github_token"):
            await system.put(f"/secrets/{name}", content=TOKEN)
        yield system
        assert await system.problems() == []


async def applied(system: System, name: str) -> dict[str, Any]:
    """The example's webhook, by a name of its own and with a secret that the test knows."""
    example = gallery.load(name)
    await system.put("/metadata/workflow", list(example.workflows))
    webhook = {**example.webhooks[0], "name": fresh("hook"), "secretValue": SECRET}
    return await system.post("/metadata/webhook", webhook)


async def slack(system: System, webhook: Any, body: Any) -> Sent:
    """Send what Slack would send, signed with Slack's own library."""
    raw = msgspec.json.encode(body)
    headers = {"content-type": "application/json", **foreign.slack(SECRET, raw, int(time.time()))}
    return await system.send(webhook, raw, headers)


async def slack_event(system: System, webhook: Any, **event: Any) -> Sent:
    """An event in Slack's envelope."""
    envelope = {"type": "event_callback", "event_id": f"Ev{uuid.uuid4().hex}", "team_id": "T1"}
    return await slack(system, webhook, {**envelope, "event": event})


async def challenged(system: System, webhook: Any) -> None:
    """Slack's challenge, before which every event is refused."""
    early = await slack_event(system, webhook, type="message", user="U0", channel="C0", text="hm")
    record = await system.event(early.event_id)
    assert record["verdict"] == "rejected"
    assert not await system.verified(webhook)
    sent = await slack(
        system, webhook, {"type": "url_verification", "challenge": "abc", "token": ""}
    )
    assert sent.body == b"abc"
    assert await system.verdict(sent) == "handshake"
    assert await system.verified(webhook)


async def test_the_standup_asks_everyone_and_collects_the_answers(
    pipeline: System, platform_api: PlatformApi
) -> None:
    webhook = await applied(pipeline, "slack_standup_bot")
    await challenged(pipeline, webhook)
    channel, ann, bob = fresh("C"), fresh("UA"), fresh("UB")
    running = await pipeline.start("slack_standup", {
        "channel": channel, "members": [ann, bob], "question": "what is new?",
        "postTo": f"{platform_api.address}/chat.postMessage",
    })  # fmt: skip
    await pipeline.task_in(running, "answer__1", "IN_PROGRESS")
    assert platform_api.said_to(channel) == [f"<@{ann}> what is new?", f"<@{bob}> what is new?"]
    assert {call.authorization for call in platform_api.calls} == {f"Bearer {TOKEN}"}

    def said(user: str, text: str, **more: Any) -> Any:
        event = {"type": "message", "user": user, "channel": channel, "text": text, **more}
        return slack_event(pipeline, webhook, **event)

    strangers = [
        await said(fresh("UC"), "hello"),
        await said(ann, "elsewhere", channel=fresh("C")),
        await said(ann, "has joined the channel", subtype="channel_join"),
    ]
    await pipeline.resumed(await said(bob, "the cart"))
    second = await said(bob, "and one more thing")
    await pipeline.resumed(await said(ann, "the release"))

    found = await pipeline.ended(running)
    assert found["output"] == {
        "answers": [{"user": bob, "text": "the cart"}, {"user": ann, "text": "the release"}],
        "missing": [],
    }
    for sent in (*strangers, second):
        assert await pipeline.verdict(sent) == "unmatched"


async def test_a_standup_ends_without_those_who_do_not_answer(pipeline: System) -> None:
    webhook = await applied(pipeline, "slack_standup_bot")
    given = {"channel": fresh("C"), "members": ["U1", "U2"], "patience": "1s"}
    found = await pipeline.ended(await pipeline.start("slack_standup", given))
    assert found["output"] == {"answers": [], "missing": ["U1", "U2"]}
    assert webhook["urlVerified"] is False


async def test_a_standup_fails_with_slacks_own_reason(
    pipeline: System, platform_api: PlatformApi
) -> None:
    await applied(pipeline, "slack_standup_bot")
    running = await pipeline.start("slack_standup", {
        "channel": fresh("C_NO"), "members": ["U1"],
        "postTo": f"{platform_api.address}/chat.postMessage",
    })  # fmt: skip
    found = await pipeline.ended(running, "FAILED")
    assert "not_in_channel" in found["reasonForIncompletion"]


async def test_a_new_member_is_greeted_once_and_a_bot_never(
    pipeline: System, platform_api: PlatformApi
) -> None:
    webhook = await applied(pipeline, "slack_community_greeting")
    url = f"{platform_api.address}/chat.postMessage"
    await pipeline.put("/environment/slack_post_url", content=url)
    await challenged(pipeline, webhook)
    member = {"id": fresh("U"), "real_name": "Nina New", "is_bot": False}

    first = await slack_event(pipeline, webhook, type="team_join", user=member)
    record = await pipeline.event(first.event_id, "started")
    found = await pipeline.ended(record["effects"][0]["workflowId"])
    assert found["output"]["greeted"] == member["id"]
    again = await slack_event(pipeline, webhook, type="team_join", user=member)
    repeated = await pipeline.event(again.event_id)
    assert repeated["effects"][0]["workflowId"] == record["effects"][0]["workflowId"]
    assert platform_api.said_to(member["id"]) == [found["output"]["greeting"]]
    assert "Nina New" in found["output"]["greeting"]

    bot = {"id": fresh("U"), "real_name": "Robo", "is_bot": True}
    joined = await slack_event(pipeline, webhook, type="team_join", user=bot)
    record = await pipeline.event(joined.event_id, "started")
    found = await pipeline.ended(record["effects"][0]["workflowId"])
    assert found["output"] == {"greeted": None}
    assert platform_api.said_to(bot["id"]) == []
    other = await slack_event(pipeline, webhook, type="message", user=member["id"], text="hi")
    assert await pipeline.verdict(other) == "unmatched"


async def github(system: System, webhook: Any, event: str, body: Any) -> Sent:
    """Send what GitHub would send, signed by openssl."""
    raw = msgspec.json.encode(body)
    named = {"x-github-event": event, "x-github-delivery": str(uuid.uuid4())}
    headers = {"content-type": "application/json", **named, **foreign.github(SECRET, raw, 0)}
    return await system.send(webhook, raw, headers)


def review(repository: str, state: str, **more: Any) -> Any:
    """A review of pull request 7."""
    said = {"state": state, "author_association": "MEMBER", "body": "Not yet.",
            "user": {"login": "ann"}, **more}  # fmt: skip
    pull = {"number": 7, "head": {"sha": "ec26c3e5"}}
    where = {"repository": {"full_name": repository}}
    return {"action": "submitted", "review": said, "pull_request": pull, **where}


async def test_a_release_is_made_after_an_approval_that_counts(
    pipeline: System, platform_api: PlatformApi
) -> None:
    webhook = await applied(pipeline, "github_release_approval")
    repository, tag = f"acme/{fresh('shop')}", "v2.0.0"
    given = {"repository": repository, "pullRequest": 7, "tag": tag, "api": platform_api.address}
    running = await pipeline.start("github_release", given)
    await pipeline.task_in(running, "review", "IN_PROGRESS")
    for does_not_count in (
        review(repository, "approved", author_association="NONE"),
        review(repository, "commented"),
        review(f"acme/{fresh('other')}", "approved"),
    ):
        sent = await github(pipeline, webhook, "pull_request_review", does_not_count)
        assert await pipeline.verdict(sent) == "unmatched"

    approval = review(repository, "approved")
    await pipeline.resumed(await github(pipeline, webhook, "pull_request_review", approval))
    await pipeline.task_in(running, "released", "IN_PROGRESS")
    path = f"/repos/{repository}/releases"
    made = next(call for call in platform_api.calls if call.path == path)
    assert made.authorization == f"Bearer {TOKEN}"
    assert made.body["tag_name"] == tag
    assert made.body["target_commitish"] == "ec26c3e5"
    release = {"tag_name": tag, "html_url": "https://github.example/r"}
    where = {"repository": {"full_name": repository}}
    other = {"action": "published", "release": {**release, "tag_name": "v1.9.9"}, **where}
    assert await pipeline.verdict(await github(pipeline, webhook, "release", other)) == "unmatched"
    done = {"action": "published", "release": release, **where}
    await pipeline.resumed(await github(pipeline, webhook, "release", done))

    found = await pipeline.ended(running)
    assert found["output"] == {"approvedBy": "ann", "tag": tag, "page": release["html_url"]}


async def test_a_release_stops_when_changes_are_asked_for(pipeline: System) -> None:
    webhook = await applied(pipeline, "github_release_approval")
    repository = f"acme/{fresh('shop')}"
    given = {"repository": repository, "pullRequest": 7, "tag": "v2.0.0"}
    running = await pipeline.start("github_release", given)
    await pipeline.task_in(running, "review", "IN_PROGRESS")
    refusal = review(repository, "changes_requested")
    await pipeline.resumed(await github(pipeline, webhook, "pull_request_review", refusal))
    found = await pipeline.ended(running, "FAILED")
    assert "ann asks for changes: Not yet." in found["reasonForIncompletion"]


async def stripe(system: System, webhook: Any, kind: str, **about: Any) -> Sent:
    """Send what Stripe would send, signed with Stripe's own library."""
    event = {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": kind}
    raw = msgspec.json.encode({**event, "data": {"object": about}})
    headers = {"content-type": "application/json", **foreign.stripe(SECRET, raw, int(time.time()))}
    return await system.send(webhook, raw, headers)


async def test_an_order_is_paid_at_the_second_attempt(pipeline: System) -> None:
    webhook = await applied(pipeline, "stripe_payment_wait")
    order = fresh("order")
    running = await pipeline.start("stripe_order", {"orderId": order})
    await pipeline.task_in(running, "payment__1", "IN_PROGRESS")
    other = await stripe(pipeline, webhook, "payment_intent.succeeded",
                         metadata={"order_id": fresh("order")}, amount_received=1)  # fmt: skip
    mine = {"metadata": {"order_id": order}, "currency": "eur"}
    created = await stripe(pipeline, webhook, "payment_intent.created", **mine)
    refused = {"last_payment_error": {"message": "Your card was declined."}}
    failed = await stripe(pipeline, webhook, "payment_intent.payment_failed", **mine, **refused)
    await pipeline.resumed(failed)
    await pipeline.resumed(
        await stripe(pipeline, webhook, "payment_intent.succeeded", **mine, amount_received=4990)
    )

    found = await pipeline.ended(running)
    paid = {"status": "paid", "amount": 4990, "currency": "eur", "failures": 1}
    assert found["output"] == {"orderId": order, **paid}
    for sent in (other, created):
        assert await pipeline.verdict(sent) == "unmatched"


async def test_a_checkout_that_is_paid_later_is_waited_for(pipeline: System) -> None:
    webhook = await applied(pipeline, "stripe_payment_wait")
    order = fresh("order")
    running = await pipeline.start("stripe_order", {"orderId": order})
    mine = {"metadata": {"order_id": order}, "currency": "eur", "amount_total": 5480}
    for status in ("unpaid", "paid"):
        await pipeline.resumed(
            await stripe(
                pipeline, webhook, "checkout.session.completed", **mine, payment_status=status
            )
        )
    found = await pipeline.ended(running)
    assert found["output"]["amount"] == 5480
    assert found["output"]["failures"] == 0


@pytest.mark.parametrize(("patience", "attempts", "reason"), [
    ("1 day", 3, "Your card was declined."),
    ("1s", 0, "No payment came in time."),
])  # fmt: skip
async def test_an_order_fails_that_is_not_paid(
    pipeline: System, patience: str, attempts: int, reason: str
) -> None:
    webhook = await applied(pipeline, "stripe_payment_wait")
    order = fresh("order")
    running = await pipeline.start("stripe_order", {"orderId": order, "patience": patience})
    refused = {"last_payment_error": {"message": "Your card was declined."}}
    about = {"metadata": {"order_id": order}, **refused}
    for _ in range(attempts):
        sent = await stripe(pipeline, webhook, "payment_intent.payment_failed", **about)
        await pipeline.resumed(sent)
    found = await pipeline.ended(running, "FAILED")
    assert found["reasonForIncompletion"].endswith(f"Order {order} is not paid: {reason}")
    assert found["output"]["failures"] == attempts


async def test_a_review_ends_the_smallest_example(pipeline: System) -> None:
    webhook = await applied(pipeline, "wait_for_review")
    running = await pipeline.start("wait_for_review", {"number": 7})
    await pipeline.task_in(running, "review", "IN_PROGRESS")
    comment = review("acme/shop", "commented")
    sent = await github(pipeline, webhook, "pull_request_review", comment)
    assert await pipeline.verdict(sent) == "unmatched"
    approval = review("acme/shop", "approved")
    await pipeline.resumed(await github(pipeline, webhook, "pull_request_review", approval))
    assert (await pipeline.ended(running))["output"]["approvedBy"] == "ann"


@pytest.mark.parametrize(("cents", "handling"), [
    (99_999, "booked"), (100_000, "a person looks at it"),
])  # fmt: skip
async def test_a_payment_is_sorted_by_its_size(pipeline: System, cents: int, handling: str) -> None:
    webhook = await applied(pipeline, "payment_received")
    about = {"amount": cents, "currency": "eur"}
    sent = await stripe(pipeline, webhook, "payment_intent.succeeded", **about)
    record = await pipeline.event(sent.event_id, "started")
    found = await pipeline.ended(record["effects"][0]["workflowId"])
    assert found["output"] == {"amount": cents / 100, "currency": "eur", "handling": handling}
    other = await stripe(pipeline, webhook, "invoice.paid", **about)
    assert await pipeline.verdict(other) == "unmatched"
