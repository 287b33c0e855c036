"""The pictures of the console in the documentation: shown, there, and small."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
LARGEST_BYTES = 200_000
PNG = b"\x89PNG\r\n\x1a\n"


def test_each_picture_is_shown_once_and_small() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(img/([^)]+)\)", (DOCS / "console.md").read_text())
    files = {file.name: file.read_bytes() for file in (DOCS / "img").iterdir()}

    assert sorted(shown) == sorted(files)
    for name, content in files.items():
        assert content.startswith(PNG), name
        assert len(content) < LARGEST_BYTES, f"{name}: {len(content)} bytes"
