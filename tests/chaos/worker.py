"""A worker as a process of its own: `python -m tests.chaos.worker API TASK_TYPE LEDGER`."""

import asyncio
import os
import sys
from pathlib import Path

from hookline_cli.chaos.calls import Calls
from hookline_cli.chaos.ledger import Ledger
from hookline_cli.chaos.workers import Worker

_PATIENCE_SECONDS = 60.0


async def work(api: str, task_type: str, path: Path) -> None:
    """Work until somebody ends the process."""
    calls = Calls([api], [], "", _PATIENCE_SECONDS)
    await Worker(calls, Ledger(path), task_type, f"process-{os.getpid()}").run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
