import pytest
from tests.pipeline.running_system import System, wait_task, task, CHECK
pytestmark = pytest.mark.asyncio(loop_scope="session")

async def test_x(system: System) -> None:
    flow, hook = await system.pair(wait_task("w", {"$.n": "${workflow.input.n}"}))
    one = await system.start(flow, {"n": 1})
    sent = await system.send(hook, {"n": 1})
    done = await system.ended(one)
    assert done["tasks"][0]["outputData"] == {"n": 1}
    assert await system.verdict(sent) == "resumed"
    assert await system.verified(hook)
