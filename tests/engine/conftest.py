"""What tests of the engine's REST surface share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.rest_surface import Surface, open_stores, open_surface


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    """Definitions, webhooks and history over fresh embedded stores."""
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as opened:
        yield opened
