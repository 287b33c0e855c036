"""What the webhook shows of its secrets after events have been proved by them."""

import pytest

from tests.pipeline.platform_senders import GITHUB, KEY, OTHER_KEY
from tests.pipeline.running_system import System, task

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_secret_that_is_no_longer_used_can_be_told(system: System) -> None:
    """After a rotation: the new one fits, the old one may go."""
    started = await system.define(task("note", "SET_VARIABLE", {"a": 1}))
    hook = await system.webhook(
        sourcePlatform="GitHub", secretValue=KEY, workflowsToStart={started: 1}
    )
    path = f"/metadata/webhook/{hook['id']}/secrets"
    await system.post(path, {"value": OTHER_KEY, "label": "new"})
    request = GITHUB.request("o1", OTHER_KEY)
    record = await system.event((await system.send(hook, request.body, request.headers)).event_id)
    assert record["verdict"] == "started"
    old, new = await system.get(path)
    assert "lastUsedAt" not in old
    assert new["lastUsedAt"] == record["receivedAt"]
