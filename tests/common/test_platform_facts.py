"""Samples, and what events say about themselves: delivery id, type, ordering key."""

import json
from typing import Any

import pytest

from hookline_common.errors import BadRequest, NotFound
from hookline_common.payloads import payload_of
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.facts import (
    body_needed_before_storing,
    check_option,
    delivery_id,
    event_type,
    ordering_key,
)
from hookline_common.platforms.samples import sample_named, sample_request, set_path
from hookline_common.rawevents import RawEvent
from hookline_common.webhooks import Options
from tests.common.foreign_senders import NOW, NOW_MS, arrived

FORM = ("content-type", "application/x-www-form-urlencoded")


def _sample(platform: str, event: str, delivery: str = "d1", **assignments: Any) -> RawEvent:
    sample = sample_named(PLATFORMS[platform], event)
    request = sample_request(
        sample, delivery=delivery, now_ms=NOW_MS, assignments=assignments or None
    )
    return arrived(request.headers, request.body, method=request.method, query=request.query)


@pytest.mark.parametrize(
    ("platform", "event", "identity", "kind"),
    [
        ("github", "push", "d1", "push"),
        ("github", "pull_request", "d1", "pull_request.opened"),
        ("github", "pull_request_review", "d1", "pull_request_review.submitted"),
        ("github", "ping", "d1", "ping"),
        ("slack", "message", "Evd1", "message"),
        ("slack", "team_join", "Evd1", "team_join"),
        ("slack", "slash_command", "d1", "/release"),
        ("slack", "block_actions", "d1", "block_actions"),
        ("stripe", "payment_intent.succeeded", "evt_d1", "payment_intent.succeeded"),
        ("sendgrid", "dropped", None, "dropped, bounce"),
        ("sendgrid", "delivered", None, "delivered"),
        ("x", "tweet_create", "2244994945/d1", "tweet_create_events"),
        ("standard_webhooks", "invoice.paid", "msg_d1", "invoice.paid"),
        ("custom", "order.created", None, None),
    ],
)
def test_delivery_id_and_type_of_the_samples(
    platform: str, event: str, identity: str | None, kind: str | None
) -> None:
    declaration, raw = PLATFORMS[platform].declaration, _sample(platform, event)
    assert event_type(declaration, raw) == kind
    if platform != "sendgrid":
        assert delivery_id(declaration, None, raw) == identity


def test_teams_ids_count_within_their_conversation() -> None:
    declaration, raw = (
        PLATFORMS["microsoft_teams"].declaration,
        _sample("microsoft_teams", "message"),
    )
    assert (delivery_id(declaration, None, raw) or "").endswith(
        "@thread.skype;messageid=1485983194839/d1"
    )
    assert event_type(declaration, raw) == "message"


def test_sendgrid_batches_are_told_apart_by_their_bytes() -> None:
    declaration = PLATFORMS["sendgrid"].declaration
    ids = {
        delivery_id(declaration, None, _sample("sendgrid", "open", delivery))
        for delivery in ("d1", "d1", "d2")
    }
    assert len(ids) == 2


def test_every_sample_is_a_new_delivery_each_time() -> None:
    """Otherwise the second `hookline send` would be a duplicate of the first."""
    for platform in PLATFORMS.values():
        for sample in platform.samples:
            first, second = (
                delivery_id(
                    platform.declaration, None, _sample(platform.key, sample.name, delivery)
                )
                for delivery in ("d1", "d2")
            )
            assert first is None or first != second, (platform.key, sample.name)


def test_every_sample_is_a_readable_payload_without_marks_left() -> None:
    for platform in PLATFORMS.values():
        for sample in platform.samples:
            raw = _sample(platform.key, sample.name)
            kind = dict(raw.headers).get("content-type", "")
            assert payload_of(kind, raw.body, raw.query)
            assert b"{{" not in raw.body
            assert "{{" not in str(raw.headers) + raw.query


def test_a_github_event_in_form_mode_has_the_same_facts() -> None:
    raw = arrived(
        [FORM, ("x-github-event", "issues"), ("x-github-delivery", "g")],
        b"payload=%7B%22action%22%3A%22closed%22%7D",
    )
    assert event_type(PLATFORMS["github"].declaration, raw) == "issues.closed"
    assert delivery_id(PLATFORMS["github"].declaration, None, raw) == "g"


def test_facts_of_a_body_that_cannot_be_read_are_nothing() -> None:
    for body in (b"", b"{", b'{"id":1,"id":2}', b"\xff", b"[]", b"[" * 3000):
        raw = arrived([("content-type", "application/json")], body)
        for platform in PLATFORMS.values():
            event_type(platform.declaration, raw)
            delivery_id(platform.declaration, None, raw)
        assert delivery_id(PLATFORMS["stripe"].declaration, None, raw) is None


@pytest.mark.parametrize(
    ("option", "found"),
    [
        ("header:X-Request-Id", "r1"),
        ("header:x-absent", None),
        ("query:id", "7"),
        ("query:absent", None),
        ("order.id", "1042"),
        ("$.order.id", "1042"),
        ("$['order']['total']", "54.8"),
        ("order.items[0].sku", "MUG-BLUE"),
        ("order", None),
        ("order.nothing", None),
        ("order.items[*].sku", "MUG-BLUE"),
    ],
)
def test_delivery_id_and_ordering_key_can_be_configured(option: str, found: str | None) -> None:
    body = {
        "order": {"id": "1042", "total": 54.8, "items": [{"sku": "MUG-BLUE"}, {"sku": "TEA-100"}]}
    }
    headers = [("content-type", "application/json"), ("x-request-id", "r1")]
    raw = arrived(headers, json.dumps(body).encode(), query="id=7")
    declaration = PLATFORMS["custom"].declaration
    assert delivery_id(declaration, option, raw) == found
    assert ordering_key(option, raw) == found
    assert ordering_key(option, raw, body) == found
    check_option(option, "/options/deliveryId")


def test_a_very_long_delivery_id_becomes_a_digest_of_its_own() -> None:
    declaration = PLATFORMS["custom"].declaration
    ids = {
        delivery_id(declaration, "header:x", arrived([("x", "a" * 5000 + end)])) or ""
        for end in ("b", "c")
    }
    assert len(ids) == 2
    assert all(len(identity) == 32 for identity in ids)


@pytest.mark.parametrize("option", ["header:", "query:", "$[", "a..", "$.a[?("])
def test_a_source_that_cannot_be_read_is_refused_with_its_field(option: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_option(option, "/options/orderingKey")
    assert refused.value.field == "/options/orderingKey"


def test_ingest_reads_the_body_first_only_where_it_must() -> None:
    github = PLATFORMS["github"].declaration
    assert not body_needed_before_storing(github, Options(), "POST")
    assert not body_needed_before_storing(github, Options(ordering_key="header:X"), "POST")
    assert body_needed_before_storing(github, Options(ordering_key="$.id"), "POST")
    assert body_needed_before_storing(github, Options(reply_on_reject="status"), "POST")
    assert body_needed_before_storing(PLATFORMS["slack"].declaration, Options(), "POST")
    teams = PLATFORMS["microsoft_teams"].declaration
    assert body_needed_before_storing(teams, Options(), "POST")
    assert not body_needed_before_storing(PLATFORMS["x"].declaration, Options(), "GET")


def test_values_can_be_set_in_a_sample() -> None:
    changed = _sample("github", "pull_request_review", **{"pull_request.number": 77})
    assert json.loads(changed.body)["pull_request"]["number"] == 77
    original = _sample("github", "pull_request_review")
    assert json.loads(original.body)["pull_request"]["number"] == 42


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", {"a": 9, "list": [1, {"x": 2}]}),
        ("$.a", {"a": 9, "list": [1, {"x": 2}]}),
        ("new.deep", {"a": {"b": 1}, "list": [1, {"x": 2}], "new": {"deep": 9}}),
        ("list[0]", {"a": {"b": 1}, "list": [9, {"x": 2}]}),
        ("list.1.x", {"a": {"b": 1}, "list": [1, {"x": 9}]}),
        ("list[2]", {"a": {"b": 1}, "list": [1, {"x": 2}, 9]}),
    ],
)
def test_set_path_gives_a_changed_copy(path: str, expected: Any) -> None:
    sample = {"a": {"b": 1}, "list": [1, {"x": 2}]}
    assert set_path(sample, path, 9) == expected
    assert sample == {"a": {"b": 1}, "list": [1, {"x": 2}]}


@pytest.mark.parametrize("path", ["", ".", "a[", "list[9]", "list.x", "a.b.c", "list[0].x", "a..b"])
def test_a_path_that_does_not_fit_is_refused(path: str) -> None:
    with pytest.raises(BadRequest):
        set_path({"a": {"b": 1}, "list": [1]}, path, 9)


def test_an_unknown_sample_names_those_there_are() -> None:
    with pytest.raises(NotFound, match="pull_request_review"):
        sample_named(PLATFORMS["github"], "nope")


def test_a_mark_alone_takes_the_type_of_its_value() -> None:
    body = json.loads(_sample("stripe", "invoice.paid").body)
    assert body["created"] == NOW
    assert json.loads(_sample("custom", "order.created").body)["createdAt"].endswith("Z")
