"""The examples that come with Hookline, as the console's gallery and the command line show them."""

import json
import shlex
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from hookline_common.errors import HooklineError


class SampleEvent(msgspec.Struct, frozen=True):
    """A sample `name` of the platform, sent to a webhook of the example.

    `values` are set in the sample before it is signed: path in the payload -> value.
    """

    webhook: str
    name: str
    values: Mapping[str, Any] = msgspec.field(name="set", default_factory=dict[str, Any])


class Example(msgspec.Struct, frozen=True):
    """Definitions and webhooks as the API takes them, and what to try them with.

    `input` starts a run of the first workflow; None where an event starts it. `events` are sent
    in their order. `readme` is Markdown.
    """

    name: str
    title: str
    description: str
    platform: str
    task_defs: tuple[dict[str, Any], ...]
    workflows: tuple[dict[str, Any], ...]
    webhooks: tuple[dict[str, Any], ...]
    input: dict[str, Any] | None
    events: tuple[SampleEvent, ...]
    readme: str

    @property
    def next(self) -> tuple[str, ...]:
        """The commands to copy and paste once the example is applied."""
        run = [] if self.input is None else [_run_command(self.workflows[0]["name"], self.input)]
        history = [f"hookline webhooks events {webhook['name']}" for webhook in self.webhooks]
        sends = [_send_command(event) for event in self.events]
        at = _first_after_handshakes(self.events)
        return (*sends[:at], *run, *sends[at:], *history)


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """`example.json`."""

    title: str
    description: str
    platform: str
    task_defs: tuple[dict[str, Any], ...]
    input: dict[str, Any] | None
    events: tuple[SampleEvent, ...]


_HANDSHAKES = ("url_verification", "crc")
_about = msgspec.json.Decoder(_About)


def names() -> tuple[str, ...]:
    """The names of all examples, sorted."""
    folders = [one for one in _folder().iterdir() if one.joinpath("example.json").is_file()]
    return tuple(sorted(folder.name for folder in folders))


def load(name: str) -> Example:
    """The example of that name; raises HooklineError, which says which there are."""
    known = names()
    if name not in known:
        raise HooklineError(f"no example {name!r}; there are: {', '.join(known)}")
    folder = _folder().joinpath(name)
    about = _about.decode(folder.joinpath("example.json").read_bytes())
    return Example(
        name=name,
        **msgspec.structs.asdict(about),
        workflows=_one_or_several(folder.joinpath("workflow.json")),
        webhooks=_one_or_several(folder.joinpath("webhook.json")),
        readme=folder.joinpath("README.md").read_text("utf-8"),
    )


def _folder() -> Traversable:
    return resources.files("hookline_console").joinpath("examples")


def _one_or_several(file: Traversable) -> tuple[dict[str, Any], ...]:
    text = file.read_bytes()
    if text.lstrip().startswith(b"["):
        return msgspec.json.decode(text, type=tuple[dict[str, Any], ...])
    return (msgspec.json.decode(text, type=dict[str, Any]),)


def _first_after_handshakes(events: tuple[SampleEvent, ...]) -> int:
    """A challenge comes before the run: until it, the webhook ignores every other event."""
    return sum(event.name in _HANDSHAKES for event in events)


def _run_command(workflow: str, given: Mapping[str, Any]) -> str:
    return _command(["hookline", "run", workflow], "--input", given)


def _send_command(event: SampleEvent) -> str:
    return _command(["hookline", "send", event.webhook, event.name], "--set", event.values)


def _command(words: list[str], option: str, values: Mapping[str, Any]) -> str:
    for path, value in values.items():
        words += [option, f"{path}={_written(value)}"]
    return shlex.join(words)


def _written(value: Any) -> str:
    """A value as the command line reads it back: text that reads as JSON needs its quotes."""
    return value if isinstance(value, str) and not _reads_as_json(value) else json.dumps(value)


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
