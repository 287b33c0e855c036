"""The gallery: every example is whole, and its commands work as they are written."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hookline_common.errors import HooklineError
from hookline_console import gallery
from hookline_console.gallery import Example, SampleEvent
from hookline_console.readmes import readme_html
from tests.servers.hookline import System, path_with_scripts
from tests.servers.processes import outer_environ

ROOT = Path(__file__).parents[2]
EXAMPLES = [gallery.load(name) for name in gallery.names()]
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def test_the_examples_are_those_that_people_look_for() -> None:
    assert set(gallery.names()) == {
        "github_release_approval",
        "payment_received",
        "slack_community_greeting",
        "slack_standup_bot",
        "stripe_payment_wait",
        "wait_for_review",
    }


@each
def test_an_example_says_what_it_is(example: Example) -> None:
    assert example.title
    assert example.description.endswith(".")
    assert example.workflows
    assert {webhook["sourcePlatform"] for webhook in example.webhooks} == {example.platform}
    assert {event.webhook for event in example.events} == {one["name"] for one in example.webhooks}


@each
def test_a_readme_has_its_commands_and_its_parts(example: Example) -> None:
    for command in (f"hookline samples apply {example.name}", *example.next):
        assert f"\n{command}\n" in example.readme
    assert example.readme.startswith(f"# {example.title}\n")
    for heading in (
        f"## Set it up at {example.platform}",
        f"## Try it without {example.platform}",
        "## What to see",
    ):
        assert f"\n{heading}\n" in example.readme


@each
def test_a_webhook_names_workflows_that_come_with_it(example: Example) -> None:
    there = {one["name"]: one["version"] for one in example.workflows}
    for webhook in example.webhooks:
        receivers = webhook.get("receiverWorkflowNamesToVersions", {})
        rules = {rule["workflow"]: rule["version"] for rule in webhook.get("startRules", [])}
        named = {**receivers, **rules}
        assert named
        assert named.items() <= there.items()


def test_no_two_examples_share_a_name_of_theirs() -> None:
    workflows = [flow["name"] for example in EXAMPLES for flow in example.workflows]
    webhooks = [hook["name"] for example in EXAMPLES for hook in example.webhooks]

    assert len(set(workflows)) == len(workflows)
    assert len(set(webhooks)) == len(webhooks)


def test_the_folder_at_the_top_is_the_gallery() -> None:
    found = {folder.name for folder in (ROOT / "examples").iterdir()}

    assert found == set(gallery.names())


@pytest.mark.parametrize("name", ["nothing", "", "..", "slack_standup_bot/.."])
def test_an_unknown_name_is_told_which_there_are(name: str) -> None:
    with pytest.raises(HooklineError) as refused:
        gallery.load(name)

    assert repr(name) in str(refused.value)
    for known in gallery.names():
        assert known in str(refused.value)


def test_values_are_written_so_that_the_command_reads_them_back() -> None:
    values = {"a": "it's", "b": "42", "c": 42, "d": ["x"], "e": None, "f": "two words"}
    example = Example(
        name="n", title="t", description="d.", platform="GitHub", task_defs=(), readme="",
        workflows=({"name": "flow"},), webhooks=(), input=values,
        events=(SampleEvent("hook", "ping", {"zen": "true"}),),
    )  # fmt: skip
    run, send = example.next

    assert _words(run) == [
        "hookline", "run", "flow", "--input", "a=it's", "--input", 'b="42"', "--input", "c=42",
        "--input", 'd=["x"]', "--input", "e=null", "--input", "f=two words",
    ]  # fmt: skip
    assert _words(send) == ["hookline", "send", "hook", "ping", "--set", 'zen="true"']


def _words(command: str) -> list[str]:
    """The words that a shell makes of a command."""
    shown = f'hookline() {{ printf "%s\\n" hookline "$@"; }}; {command}'
    done = subprocess.run(["bash", "-euc", shown], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@each
def test_the_commands_work_as_written(system: System, example: Example) -> None:
    applied = _printed(system, f"hookline samples apply {example.name}")
    for command in example.next:
        assert f"\n  {command}\n" in applied

    printed = {command: _printed(system, command) for command in example.next}

    runs = [text.strip() for command, text in printed.items() if " run " in command]
    sent = [text.split()[1] for command, text in printed.items() if " send " in command]
    for workflow_id in runs or _started(system, sent):
        assert system.execution(workflow_id, "COMPLETED")["output"]
    for event in sent:
        assert _took_hold(system, event) in ("handshake", "resumed", "started")
    history = next(text for command, text in printed.items() if "webhooks events" in command)
    assert [event for event in sent if event not in history] == []


def _printed(system: System, command: str) -> str:
    environ = {**outer_environ(), "PATH": path_with_scripts(), "HOOKLINE_URL": system.api}
    done = subprocess.run(
        ["bash", "-euc", command], capture_output=True, text=True, check=False, env=environ,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _started(system: System, events: list[str]) -> list[str]:
    """The executions that the events have started; at least one."""
    effects: list[Any] = [one for event in events for one in system.event(event).get("effects", [])]
    found = [effect["workflowId"] for effect in effects if effect["kind"] == "start"]
    assert found, json.dumps(effects)
    return found


def _took_hold(system: System, event: str) -> str:
    """The verdict once it is not `unmatched`: a wait that opens a moment later takes the event."""

    def look() -> str | None:
        verdict: str = system.event(event)["verdict"]
        return None if verdict == "unmatched" else verdict

    return system.until(look, f"event {event} to have an effect")


def test_a_readme_is_a_part_of_its_page() -> None:
    html = readme_html("# Title\n\nSome *words*.\n\n## Next\n\n```\na < b\n```\n\n<b>no</b>\n")
    assert html == (
        "<p>Some <em>words</em>.</p>\n<h3>Next</h3>\n"
        '<pre class="code" tabindex="0"><code>a &lt; b\n</code></pre>'
        "<p>&lt;b&gt;no&lt;/b&gt;</p>\n"
    )
    assert "<script" not in readme_html("[x](javascript:alert(1)) <script>alert(1)</script>")
    assert "href" not in readme_html("[x](javascript:alert(1))")
