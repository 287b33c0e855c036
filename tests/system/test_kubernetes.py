"""deploy/kubernetes fits the settings, the topics, the groups and the compose file.

No cluster runs here, and none is claimed to have taken these files: they are checked as text.
"""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from hookline_common.settings import TABLE, load_settings
from hookline_common.topics import GROUPS
from tests.system.compose_file import HOOKLINE_SERVICES, PARTS, ROOT, read_compose

FOLDER = ROOT / "deploy" / "kubernetes"
SEAL_KEY = "c2VhbCBrZXkgb2YgYSB0ZXN0LCAzMiBieXRlcyBsb24="
SECRETS = {"HOOKLINE_SEAL_KEY": SEAL_KEY, "HOOKLINE_API_KEYS": "admin:a-long-secret-of-a-test"}
CONSUMERS = [name for name in HOOKLINE_SERVICES if name != "ingest"]


def read(name: str) -> Mapping[str, Any]:
    """The objects of a file by kind; each is there once."""
    found = list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))
    by_kind = {one["kind"]: one for one in found}
    assert len(by_kind) == len(found)
    return by_kind


def container(name: str) -> Any:
    (only,) = read(name)["Deployment"]["spec"]["template"]["spec"]["containers"]
    return only


def environ(name: str) -> dict[str, str]:
    """What the container sees, with secrets of the test's own."""
    described = container(name)
    shared = read("common")["ConfigMap"]["data"] if "envFrom" in described else {}
    given: dict[str, str] = dict(shared)
    for one in described["env"]:
        given[one["name"]] = one["value"] if "value" in one else SECRETS[one["name"]]
    return given


def test_there_is_a_file_for_each_service_and_one_for_what_they_share() -> None:
    names = {path.stem for path in FOLDER.glob("*.yaml")}
    assert names == {*PARTS, "common"}


@pytest.mark.parametrize("name", PARTS)
def test_a_service_runs_what_compose_runs(name: str) -> None:
    compose = read_compose({"HOOKLINE_SEAL_KEY": SEAL_KEY})["services"][name]
    assert container(name)["command"] == compose["command"]
    missing = set(compose["environment"]) - set(environ(name))
    assert missing <= {"HOOKLINE_API_OPEN"}, "compose opens its API on loopback only"


@pytest.mark.parametrize("name", HOOKLINE_SERVICES)
def test_its_environment_is_made_of_settings_that_exist(name: str) -> None:
    settings = load_settings(environ(name))  # refuses a bad value
    assert set(environ(name)) <= {setting.variable for setting in TABLE}
    assert settings.seal_key == SEAL_KEY
    assert settings.log.startswith("kafka://")
    assert settings.store.startswith("mongodb://")


@pytest.mark.parametrize("name", PARTS)
def test_what_is_secret_comes_from_a_secret(name: str) -> None:
    secret = {setting.variable for setting in TABLE if setting.secret}
    written = {one["name"] for one in container(name)["env"] if "value" in one}
    assert not secret & (written | set(read("common")["ConfigMap"]["data"]))


@pytest.mark.parametrize("name", PARTS)
def test_it_is_probed_where_it_listens(name: str) -> None:
    one = container(name)
    (port,) = one["ports"]
    sentence = next(setting.says for setting in TABLE if setting.variable == "HOOKLINE_PORT")
    assert f"{port['containerPort']} {name}" in sentence
    assert one["livenessProbe"]["httpGet"] == {"path": "/livez", "port": port["name"]}
    assert one["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}


@pytest.mark.parametrize("name", PARTS)
def test_its_objects_name_each_other(name: str) -> None:
    objects = read(name)
    deployment = objects["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert {one["metadata"]["name"] for one in objects.values()} == {name}
    assert deployment["spec"]["selector"]["matchLabels"] == labels == {"app": name}
    if "Service" in objects:
        assert objects["Service"]["spec"]["selector"] == labels
    scaler = objects["ScaledObject" if name in CONSUMERS else "HorizontalPodAutoscaler"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == name


@pytest.mark.parametrize("name", CONSUMERS)
def test_it_scales_with_the_lag_of_its_own_group_up_to_its_partitions(name: str) -> None:
    group = next(one for one in GROUPS if one.name == name)
    scaler = read(name)["ScaledObject"]["spec"]
    watched = {one["metadata"]["topic"] for one in scaler["triggers"]}
    assert {one["metadata"]["consumerGroup"] for one in scaler["triggers"]} == {group.name}
    assert watched == {topic.name for topic in group.topics}
    assert scaler["maxReplicaCount"] == min(topic.partitions for topic in group.topics)
    (broker,) = {one["metadata"]["bootstrapServers"] for one in scaler["triggers"]}
    assert environ(name)["HOOKLINE_LOG"] == f"kafka://{broker}"
