"""`hookline config`: what is in force, where it comes from, and no secret in it."""

import json
from pathlib import Path

from tests.servers.hookline import Done, command

SECRETS = {
    "HOOKLINE_API_KEYS": "ops:hunter2",
    "HOOKLINE_SEAL_KEY": "hunter3" + "A" * 36 + "=",
    "HOOKLINE_STORE": "mongodb://user:hunter4@db.example/hookline",
    "HOOKLINE_KEY": "ops:hunter5",
}


def shown(done: Done) -> dict[str, tuple[str, str]]:
    """Value and source of each variable."""
    assert done.code == 0, done
    return {one["variable"]: (one["value"], one["source"]) for one in json.loads(done.out)}


def test_each_value_says_where_it_comes_from() -> None:
    environ = {"HOOKLINE_MAX_DISK": "20GB", "HOOKLINE_PORT": "9000", "HOOKLINE_HOST": ""}
    found = shown(command("hookline", "config", "--json", "--port", "9001", environ=environ))

    assert found["HOOKLINE_PORT"] == ("9001", "option --port")
    assert found["HOOKLINE_MAX_DISK"] == (str(20 * 1024**3), "environment")
    assert found["HOOKLINE_HOST"] == ("127.0.0.1", "default")
    assert found["HOOKLINE_STORE"] == ("sqlite:.hookline/hookline.db", "default")
    assert found["HOOKLINE_EXECUTION_RETENTION"] == ("30", "default")
    assert found["HOOKLINE_URL"] == ("http://127.0.0.1:8080", "default")


def test_secrets_are_marks() -> None:
    for arguments in (("config",), ("config", "--json")):
        done = command("hookline", *arguments, environ=SECRETS)
        assert done.code == 0, done
        assert "hunter" not in done.out + done.err
    found = shown(command("hookline", "config", "--json", environ=SECRETS))
    assert found["HOOKLINE_API_KEYS"] == ("***", "environment")
    assert found["HOOKLINE_SEAL_KEY"] == ("***", "environment")
    assert found["HOOKLINE_STORE"] == ("mongodb://***@db.example/hookline", "environment")
    assert found["HOOKLINE_KEY"] == ("***", "environment")


def test_a_value_that_is_not_allowed_is_one_clear_line(tmp_path: Path) -> None:
    done = command("hookline", "config", environ={"HOOKLINE_EXECUTION_RETENTION": "soon"})

    assert done.code == 1, done
    assert len(done.err.splitlines()) == 1, done
    assert "HOOKLINE_EXECUTION_RETENTION" in done.err
    assert "days, 0 for ever" in done.err
