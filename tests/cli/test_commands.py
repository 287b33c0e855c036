"""The commands against a running system, and what each says when it cannot do what is asked."""

import json
import re
import uuid
from pathlib import Path

import pytest

from tests.cli.registering import UUID, registered, sent_event, waiting
from tests.servers.hookline import System, command
from tests.servers.processes import free_port


def test_the_samples_are_listed_with_what_they_show(system: System) -> None:
    listed = system.hookline("samples", "list")

    assert listed.code == 0, listed
    assert "wait_for_review" in listed.out
    assert "payment_received" in listed.out


def test_the_first_three_commands_resume_a_workflow(system: System) -> None:
    for _ in range(2):  # applying a sample again is harmless
        applied = system.hookline("samples", "apply", "wait_for_review")
        assert applied.code == 0, applied
        assert f"{system.gateway}/webhook/" in applied.out
    started = system.hookline("run", "wait_for_review", "--input", "number=42")
    assert re.fullmatch(UUID, started.out.strip()), started
    sent_event(
        system.hookline(
            "send", "github-demo", "pull_request_review", "--set", "pull_request.number=42"
        )
    )

    ended = system.execution(started.out.strip(), "COMPLETED")
    assert ended["tasks"][0]["outputData"]["pull_request"]["number"] == 42
    assert ended["output"]["approvedBy"]
    listed = system.hookline("webhooks", "list")
    assert re.search(r"github-demo +GitHub +verified", listed.out), listed
    events = system.hookline("webhooks", "events", "github-demo")
    assert "resumed" in events.out, events
    assert started.out.strip() in events.out, events


def test_the_other_sample_starts_a_workflow_for_each_payment(system: System) -> None:
    assert system.hookline("samples", "apply", "payment_received").code == 0
    event = sent_event(
        system.hookline(
            "send", "stripe-demo", "payment_intent.succeeded", "--set", "data.object.amount=250000"
        )
    )

    record = system.event(event)
    assert record["verdict"] == "started", record
    ended = system.execution(record["effects"][0]["workflowId"], "COMPLETED")
    assert ended["output"]["amount"] == 2500
    assert ended["output"]["handling"] == "a person looks at it"


def test_run_takes_json_files_and_pairs_and_shows_the_end(system: System, tmp_path: Path) -> None:
    name = f"sums_{uuid.uuid4().hex[:8]}"
    task = {"name": "note", "taskReferenceName": "note", "type": "SET_VARIABLE",
            "inputParameters": {"all": "${workflow.input}"}}  # fmt: skip
    definition = {"name": name, "version": 1, "schemaVersion": 2, "tasks": [task],
                  "outputParameters": {"all": "${workflow.variables.all}"}}  # fmt: skip
    system.call("PUT", "/metadata/workflow", json=[definition])
    file = tmp_path / "input.json"
    file.write_text('{"a": 1, "b": 1}')

    done = system.hookline(
        "run", name, "--input", f"@{file}", "--input", '{"b": 2}', "--input", "c=[3]",
        "--input", "d=text", "--wait", "10", "--correlation-id", "mine",
    )  # fmt: skip

    workflow_id, end = done.out.splitlines()
    assert done.code == 0, done
    assert end.startswith("COMPLETED "), done
    assert json.loads(end.removeprefix("COMPLETED "))["all"] == {
        "a": 1,
        "b": 2,
        "c": [3],
        "d": "text",
    }
    assert system.get(f"/workflow/{workflow_id}")["correlationId"] == "mine"


def test_run_with_the_same_idempotency_key_starts_once(system: System) -> None:
    workflow = waiting(system, {"$.never": "comes"})
    key = uuid.uuid4().hex

    first = system.hookline("run", workflow, "--idempotency-key", key)
    second = system.hookline("run", workflow, "--idempotency-key", key)

    assert first.code == 0, first
    assert second.code == 1, second
    assert len(second.err.splitlines()) == 1, second


def test_events_can_be_narrowed_to_a_verdict(system: System) -> None:
    workflow = waiting(system, {"$.never": "comes"})
    webhook = registered(system, workflow, sourcePlatform="GitHub", secretValue="a-secret-of-ours")
    empty = system.hookline("webhooks", "events", webhook["name"])
    assert "No event yet" in empty.out, empty
    event = sent_event(system.hookline("send", webhook["name"], "ping"))
    system.event(event)

    unmatched = system.hookline("webhooks", "events", webhook["name"], "--verdict", "unmatched")
    resumed = system.hookline("webhooks", "events", webhook["id"], "--verdict", "resumed")

    assert event in unmatched.out, unmatched
    assert event not in resumed.out, resumed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str) -> None:
    done = command("hookline", "completion", shell)

    assert done.code == 0, done
    assert "_HOOKLINE_COMPLETE" in done.out


def test_completion_knows_commands_and_events() -> None:
    def completed(words: str, position: int) -> list[str]:
        environ = {
            "_HOOKLINE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(position),
        }
        return command("hookline", environ=environ).out.splitlines()

    assert "plain,samples" in completed("hookline sa", 1)
    assert "plain,wait_for_review" in completed("hookline samples apply wait", 3)
    assert "plain,pull_request_review" in completed("hookline send any pull_request_r", 3)


COMMANDS = [
    ("samples", "apply", "wait_for_review"),
    ("run", "any"),
    ("send", "any", "ping"),
    ("webhooks", "list"),
    ("webhooks", "events", "any"),
    ("demo",),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: "-".join(arguments))
def test_a_system_out_of_reach_is_one_clear_line(arguments: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = command("hookline", *arguments, "--url", url)

    assert done.code == 1, done
    said = done.out + done.err
    assert f"cannot reach Hookline at {url}" in said
    assert "hookline up" in said
    assert "Traceback" not in said
    if arguments != ("demo",):
        assert len(done.err.splitlines()) == 1, done


def test_an_unknown_webhook_is_told_which_there_are(system: System) -> None:
    workflow = waiting(system, {"$.never": "comes"})
    webhook = registered(system, workflow, sourcePlatform="GitHub", secretValue="a-secret-of-ours")

    done = system.hookline("send", "no-such-webhook", "ping")

    assert done.code == 1, done
    assert webhook["name"] in done.err
    assert len(done.err.splitlines()) == 1, done


@pytest.mark.parametrize("signs", ["server", "command"])
def test_an_unknown_event_is_told_which_there_are(
    system: System, tmp_path: Path, signs: str
) -> None:
    workflow = waiting(system, {"$.never": "comes"})
    webhook = registered(system, workflow, sourcePlatform="GitHub", secretValue="a-secret-of-ours")
    secret = tmp_path / "secret"
    secret.write_text("a-secret-of-ours")
    more = ("--secret-file", str(secret)) if signs == "command" else ()

    done = system.hookline("send", webhook["name"], "no-such-event", *more)

    assert done.code == 1, done
    assert "pull_request_review" in done.err
    assert len(done.err.splitlines()) == 1, done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("samples", "apply", "nothing"), "wait_for_review"),
        (("run", "no_such_workflow"), "no_such_workflow"),
        (("run", "any", "--input", "@no-such-file.json"), "cannot be read"),
        (("run", "any", "--input", "{not json"), "not JSON"),
        (("run", "any", "--input", "neither"), "path=value"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_trace(
    system: System, arguments: tuple[str, ...], said: str
) -> None:
    done = system.hookline(*arguments)

    assert done.code != 0, done
    assert said in done.err, done
    assert "Traceback" not in done.err, done


def test_a_path_that_does_not_fit_the_sample_is_refused(system: System) -> None:
    workflow = waiting(system, {"$.never": "comes"})
    webhook = registered(system, workflow, sourcePlatform="GitHub", secretValue="a-secret-of-ours")

    done = system.hookline("send", webhook["name"], "ping", "--set", "zen.a.b=1")

    assert done.code == 1, done
    assert "zen.a.b" in done.err


def test_another_server_is_not_taken_for_a_hookline(system: System) -> None:
    done = command("hookline", "webhooks", "list", "--url", system.gateway)

    assert done.code == 1, done
    assert "404" in done.err


def test_the_version_is_shown() -> None:
    assert command("hookline", "--version").out.startswith("hookline, version ")
