"""The idempotency key of a start rule (specs/webhooks.md section 6)."""

import pytest

from hookline_common.errors import BadRequest
from hookline_common.matching import (
    EventFacts,
    EventView,
    check_idempotency_key,
    idempotency_key,
)

EVENT = EventView(
    {"id": 42, "name": "Ada", "none": None, "blank": " ", "map": {"b": 1}},
    [("x-github-delivery", "d-1"), ("x-twice", "a"), ("X-Twice", "b")],
    "q=1&r=2&r=3",
)
FACTS = EventFacts("e-1", "hook-1", "demo", "delivery-1", "push")


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("${workflow.input.id}", "42"),
        ("order-${workflow.input.id}-${workflow.input.name}", "order-42-Ada"),
        ("${event.deliveryId}", "delivery-1"),
        (
            "${event.id}/${event.type}/${event.webhookId}/${event.webhookName}",
            "e-1/push/hook-1/demo",
        ),
        ("${event.headers.X-GitHub-Delivery}", "d-1"),
        ("${event.headers['x-github-delivery']}", "d-1"),
        ("${event.headers.x-twice}", '["a","b"]'),
        ("${event.query.q}", "1"),
        ("${event.query.r[1]}", "3"),
        ("${workflow.input.map}", '{"b":1}'),
        ("fixed", "fixed"),
    ],
)
def test_a_key_is_text_with_values_of_payload_and_event(template: str, key: str) -> None:
    assert idempotency_key(template, EVENT, FACTS) == key


@pytest.mark.parametrize(
    "template",
    [
        "${workflow.input.absent}",
        "${workflow.input.none}",
        "order-${workflow.input.absent}",
        "${event.headers.absent}",
        "${event.query.absent}",
        "${workflow.input.blank}",
        "${}",
        "",
    ],
)
def test_a_key_that_resolves_to_nothing_is_none(template: str) -> None:
    """Two events without the value would otherwise count as one."""
    assert idempotency_key(template, EVENT, FACTS) is None


def test_a_missing_delivery_id_is_nothing() -> None:
    assert idempotency_key("${event.deliveryId}", EVENT, EventFacts("e-1")) is None


@pytest.mark.parametrize("template", ["", " ", "${other.x}", "${workflow.input[}", "${}"])
def test_a_bad_key_is_refused_when_saved(template: str) -> None:
    with pytest.raises(BadRequest) as raised:
        check_idempotency_key(template, "/startRules/0/idempotencyKey")
    assert raised.value.field == "/startRules/0/idempotencyKey"


def test_a_good_key_passes() -> None:
    check_idempotency_key("x-${workflow.input.id}-${event.headers.x}")
