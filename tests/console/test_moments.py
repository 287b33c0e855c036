"""Times as people type and read them."""

import pytest

from hookline_console.moments import ago_text, exact_text, lasting_text, typed_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2020-01-01", 1_577_836_800_000),
        ("2020-01-01 10:00", 1_577_872_800_000),
        ("2020-01-01T10:00Z", 1_577_872_800_000),
        ("2020-01-01T10:00+02:00", 1_577_865_600_000),
        ("1795000000000", 1_795_000_000_000),
        ("soon", None),
        ("", None),
    ],
)
def test_a_typed_time_is_utc_unless_it_says_otherwise(text: str, ms: int | None) -> None:
    assert typed_ms(text) == ms


def test_how_long_ago() -> None:
    now = 1_795_000_000_000
    assert ago_text(now - 500, now) == "now"
    assert ago_text(now - 6_512, now) == "6 s ago"
    assert ago_text(now - 21_000, now) == "21 s ago"
    assert ago_text(now - 2 * 86_400_000, now) == "2 days ago"
    assert ago_text(now + 60_000, now) == "in 1 min"


def test_durations_in_one_unit_or_two() -> None:
    assert lasting_text(31.4) == "31 ms"
    assert lasting_text(2_160) == "2.16 s"
    assert exact_text(2 * 86_400_000 + 19 * 3_600_000 + 5) == "2 days 19 h"
    assert exact_text(64_000) == "1 min 4 s"
    assert exact_text(3_600_000) == "1 h"
