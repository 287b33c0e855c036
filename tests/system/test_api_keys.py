"""An API with keys: who has one gets on with it, nobody else does, and senders need none."""

from collections.abc import Iterator

import httpx
import pytest
from conductor.client.configuration.configuration import Configuration
from conductor.client.configuration.settings.authentication_settings import AuthenticationSettings
from conductor.client.orkes_clients import OrkesClients

from tests.servers.hookline import System, up

KEY = "operator:a-secret-of-the-operator"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    environ = {"HOOKLINE_API_KEYS": f"{KEY},other:another-secret"}
    with up(tmp_path_factory.mktemp("keys"), environ=environ) as running:
        yield running


def test_without_a_key_the_api_is_closed_and_the_gateway_open(guarded: System) -> None:
    for path in ("/api/metadata/webhook", "/api/workflow/search", "/api/webhook-events"):
        assert guarded.http.get(path).status_code == 401
    assert guarded.http.get("/readyz").status_code == 200
    assert httpx.post(f"{guarded.gateway}/webhook/none", content=b"").status_code == 404


def test_the_commands_take_a_key_from_the_environment(guarded: System) -> None:
    refused = guarded.hookline("webhooks", "list")
    assert refused.code == 1, refused
    assert "401" in refused.err
    wrong = guarded.hookline("webhooks", "list", "--key", "operator:wrong")
    assert wrong.code == 1, wrong

    demo = guarded.hookline("demo", environ={"HOOKLINE_KEY": KEY})
    assert demo.code == 0, demo


@pytest.mark.filterwarnings("ignore")  # the SDK's own
def test_the_sdk_gets_in_with_key_id_and_secret(guarded: System) -> None:
    key_id, _, secret = KEY.partition(":")
    configuration = Configuration(
        server_api_url=f"{guarded.api}/api",
        authentication_settings=AuthenticationSettings(key_id=key_id, key_secret=secret),
    )

    metadata = OrkesClients(configuration).get_metadata_client()

    assert isinstance(metadata.get_all_workflow_defs(), list)


def test_a_foreign_host_and_a_foreign_origin_are_refused(guarded: System) -> None:
    """Against pages in a browser that talk to this machine (DNS rebinding, cross-site calls)."""
    foreign = guarded.http.get("/api/metadata/webhook", headers={"Host": "evil.example"})
    assert foreign.status_code == 421
    crossing = guarded.http.get("/api/metadata/webhook", headers={"Origin": "http://evil.example"})
    assert crossing.status_code == 403
