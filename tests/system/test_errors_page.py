"""docs/errors.md names every code and reason that the sources have, its status, and no other."""

import re
from collections.abc import Mapping

from hookline_common import reasons
from hookline_engine.core import events
from tests.system.error_codes import ROOT, codes_in_the_sources

PAGE = (ROOT / "docs/errors.md").read_text()
DEAD = frozenset({"poison", "stuck", "unexpected"})
WARNINGS = frozenset({"weak_header_value", "challenge_only", "workflow_missing"})


def _rows() -> Mapping[str, str]:
    """Code -> the cell behind it."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE, re.MULTILINE)
    assert len(rows) == len({code for code, _ in rows}), "a code stands there twice"
    return dict(rows)


def test_the_page_and_the_sources_name_the_same() -> None:
    refused = set(events._REASONS)
    named = {*codes_in_the_sources(), *reasons.SENTENCES, *refused, *DEAD}
    assert sorted(_rows()) == sorted(named)


def test_the_statuses_are_those_of_the_sources() -> None:
    rows = _rows()
    for code, statuses in codes_in_the_sources().items():
        if code in reasons.SENTENCES or code in WARNINGS:
            continue
        told = {int(one) for one in re.findall(r"\d{3}", rows[code])}
        assert told == statuses, code


def test_every_reason_has_a_sentence() -> None:
    coded = {
        value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)
    }
    assert coded == set(reasons.SENTENCES)
