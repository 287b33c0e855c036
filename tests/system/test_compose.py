"""docker-compose.yml describes a deployment that works: checked as text, then started for real.

No Docker engine is needed, and none is claimed to have run it: the very commands and environments
of the file are started as plain processes, with nothing changed but addresses.
"""

import re
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from hookline_common.settings import TABLE, load_settings
from hookline_common.topics import CATALOGUE
from tests.servers.hookline import Process, System, services
from tests.servers.mongodb import in_database
from tests.servers.processes import free_port
from tests.system.compose_file import (
    HOOKLINE_SERVICES,
    PARTS,
    ROOT,
    Unset,
    interpolated,
    read_compose,
)

SEAL_KEY = "c2VhbCBrZXkgb2YgYSB0ZXN0LCAzMiBieXRlcyBsb24="


@pytest.fixture
def compose() -> dict[str, Any]:
    return read_compose({"HOOKLINE_SEAL_KEY": SEAL_KEY})


def default_port(name: str) -> int:
    """The port that a service listens on when none is set, as the table of settings says."""
    sentence = next(one.says for one in TABLE if one.variable == "HOOKLINE_PORT")
    found = re.search(rf"(\d+) {name}\b", sentence)
    assert found
    return int(found[1])


@pytest.mark.parametrize("name", PARTS)
def test_a_services_default_port_is_the_documented_one(compose: dict[str, Any], name: str) -> None:
    part = ROOT / compose["services"][name]["build"]["args"]["PART"]
    sources = [
        next(part.glob(f"hookline_*/{file}.py")).read_text() for file in ("__main__", "service")
    ]

    assert re.search(rf"default_port\s*=\s*{default_port(name)}\b", "".join(sources), re.IGNORECASE)


def test_interpolation_is_that_of_compose() -> None:
    environ = {"A": "a", "EMPTY": ""}

    assert interpolated("${A} ${B:-b} ${EMPTY:-e} ${EMPTY-e} ${NONE} $$", environ) == "a b e   $"
    with pytest.raises(Unset, match="make one"):
        interpolated("${B:?make one}", environ)


def test_without_a_seal_key_compose_says_how_to_make_one() -> None:
    with pytest.raises(Unset, match="openssl rand -base64 32"):
        read_compose({})


def test_every_service_is_there_and_nothing_unknown(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*PARTS, "proxy", "kafka", "mongodb"}


@pytest.mark.parametrize("name", PARTS)
def test_a_service_is_built_from_a_part_that_has_its_command(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    part = ROOT / service["build"]["args"]["PART"]
    project = tomllib.loads((part / "pyproject.toml").read_text())

    assert (ROOT / service["build"]["dockerfile"]).exists()
    assert service["command"][0] in project["project"]["scripts"]
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", HOOKLINE_SERVICES)
def test_a_service_waits_for_log_and_store(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]

    assert set(service["depends_on"]) == {"kafka", "mongodb"}
    assert {one["condition"] for one in service["depends_on"].values()} == {"service_healthy"}


@pytest.mark.parametrize("name", HOOKLINE_SERVICES)
def test_a_services_environment_is_made_of_settings_that_exist(
    compose: dict[str, Any], name: str
) -> None:
    environ = compose["services"][name]["environment"]
    settings = load_settings(environ)  # refuses a bad value

    assert set(environ) <= {setting.variable for setting in TABLE}
    assert settings.log == "kafka://kafka:9092"
    assert settings.store.startswith("mongodb://mongodb:27017/")
    assert settings.host == "0.0.0.0"
    assert settings.seal_key == SEAL_KEY


def test_only_the_gateway_is_behind_the_proxy_and_reachable_from_outside(
    compose: dict[str, Any],
) -> None:
    everything = compose["services"]
    gateway = f"ingest:{default_port('ingest')}"
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()

    assert re.findall(r"reverse_proxy (\S+)", caddyfile) == [gateway]
    published = {name: one.get("ports", []) for name, one in everything.items() if "ports" in one}
    api = default_port("engine")
    console = default_port("console")
    assert published == {
        "proxy": ["443:443"],
        "engine": [f"127.0.0.1:{api}:{api}"],
        "console": [f"127.0.0.1:{console}:{console}"],
    }
    assert everything["ingest"]["expose"] == [str(default_port("ingest"))]
    assert "./deploy/Caddyfile:/etc/caddy/Caddyfile:ro" in everything["proxy"]["volumes"]


def test_only_the_gateway_believes_the_proxy(compose: dict[str, Any]) -> None:
    believing = {
        name
        for name in HOOKLINE_SERVICES
        if load_settings(compose["services"][name]["environment"]).trusted_proxies
    }

    assert believing == {"ingest"}


def test_the_engine_reaches_the_gateway_and_answers_to_its_own_name(
    compose: dict[str, Any],
) -> None:
    everything = compose["services"]
    settings = load_settings(everything["engine"]["environment"])

    assert settings.gateway_url == f"http://ingest:{default_port('ingest')}"
    assert settings.api_hosts == ("engine",)


def test_the_console_is_given_the_api_and_nothing_else(compose: dict[str, Any]) -> None:
    environ = compose["services"]["console"]["environment"]
    settings = load_settings(environ)

    assert settings.api_url == f"http://engine:{default_port('engine')}"
    assert set(environ) == {"HOOKLINE_HOST", "HOOKLINE_API_URL", "HOOKLINE_API_OPEN"}


def test_the_broker_is_where_the_services_look_and_makes_no_topics_by_itself(
    compose: dict[str, Any],
) -> None:
    """Topics come from the catalogue: one made by a mistyped name would lose what is sent to it."""
    broker = compose["services"]["kafka"]["environment"]
    log = compose["services"]["ingest"]["environment"]["HOOKLINE_LOG"]

    assert broker["KAFKA_ADVERTISED_LISTENERS"] == log.replace("kafka://", "PLAINTEXT://")
    assert broker["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert broker["KAFKA_LOG_DIRS"] in compose["services"]["kafka"]["volumes"][0]


def test_the_replica_set_is_the_one_that_the_services_name(compose: dict[str, Any]) -> None:
    database = compose["services"]["mongodb"]
    store = compose["services"]["engine"]["environment"]["HOOKLINE_STORE"]

    name = database["command"][database["command"].index("--replSet") + 1]
    assert store.endswith(f"?replicaSet={name}")
    check = " ".join(database["healthcheck"]["test"])
    assert f'_id: "{name}"' in check
    assert 'host: "mongodb:27017"' in check


def test_volumes_keep_what_must_outlive_a_container(compose: dict[str, Any]) -> None:
    used = {
        volume.partition(":")[0]
        for one in compose["services"].values()
        for volume in one.get("volumes", [])
        if not volume.startswith(".")
    }

    assert used == set(compose["volumes"])


def test_the_image_is_made_of_what_the_repository_has() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()

    sources = [line.split()[1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    assert sources
    for source in sources:
        assert source == "${PART}" or (ROOT / source).exists(), source


def relocated(environ: dict[str, str], swapped: dict[str, str]) -> dict[str, str]:
    """The environment with other addresses, and nothing else that differs."""
    return {
        **{name: str(value) for name, value in environ.items()},
        **{name: value for name, value in swapped.items() if name in environ},
        "HOOKLINE_PORT": swapped["HOOKLINE_PORT"],
    }


@pytest.fixture(scope="module")
def deployment(
    kafka_address: str, mongodb_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Exactly the processes of the file, on other addresses."""
    folder: Path = tmp_path_factory.mktemp("compose")
    ports = {name: free_port() for name in PARTS}
    gateway = f"http://127.0.0.1:{ports['ingest']}"
    swapped = {
        "HOOKLINE_LOG": f"kafka://{kafka_address}",
        "HOOKLINE_STORE": in_database(mongodb_url, f"hookline_{uuid.uuid4().hex[:8]}"),
        "HOOKLINE_HOST": "127.0.0.1",
        "HOOKLINE_PUBLIC_URL": gateway,
        "HOOKLINE_GATEWAY_URL": gateway,
        "HOOKLINE_API_URL": f"http://127.0.0.1:{ports['engine']}",
    }
    described = read_compose({"HOOKLINE_SEAL_KEY": SEAL_KEY})["services"]
    processes = {
        name: Process(
            described[name]["command"],
            relocated(
                described[name]["environment"], {**swapped, "HOOKLINE_PORT": str(ports[name])}
            ),
            ports[name],
        )
        for name in PARTS
    }
    with services(processes, folder) as system:
        yield system


@pytest.mark.real
def test_the_processes_of_the_file_play_the_whole_story(deployment: System) -> None:
    done = deployment.hookline("demo", "--patience", "40")

    assert done.code == 0, f"{done}\n{deployment.output()[-8000:]}"


@pytest.mark.real
def test_the_console_of_its_own_shows_what_the_api_knows(deployment: System) -> None:
    definition = {"name": "seen_from_afar", "version": 1, "schemaVersion": 2}
    task = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE"}
    deployment.call("PUT", "/metadata/workflow", json=[{**definition, "tasks": [task]}])

    page = httpx.get(f"{deployment.address('console')}/definitions/workflows")

    assert page.status_code == 200, page.text
    assert "seen_from_afar" in page.text


@pytest.mark.real
def test_the_engine_sends_test_events_through_the_gateway(deployment: System) -> None:
    assert deployment.hookline("samples", "apply", "wait_for_review").code == 0
    workflow_id = deployment.hookline("run", "wait_for_review", "--input", "number=4").out.strip()
    sent = deployment.hookline(
        "send", "github-demo", "pull_request_review", "--set", "pull_request.number=4"
    )

    assert sent.code == 0, sent
    deployment.execution(workflow_id, "COMPLETED")


@pytest.mark.real
async def test_the_topics_on_the_broker_are_those_of_the_catalogue(
    deployment: System, kafka_address: str
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    try:
        described = await admin.describe_topics([topic.name for topic in CATALOGUE])
        partitions = {one["topic"]: len(one["partitions"]) for one in described}
        resources = [ConfigResource(ConfigResourceType.TOPIC, one.name) for one in CATALOGUE]
        answers = await admin.describe_configs(resources)
    finally:
        await admin.close()
    configured = {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
    }

    assert partitions == {topic.name: topic.partitions for topic in CATALOGUE}
    for topic in CATALOGUE:
        found = configured[topic.name]
        assert found["cleanup.policy"] == topic.cleanup
        assert int(found["retention.ms"]) == topic.retention_ms or topic.cleanup == "compact"
        assert int(found["max.message.bytes"]) >= topic.max_message_bytes
