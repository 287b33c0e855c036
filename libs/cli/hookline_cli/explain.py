"""`hookline explain`: why an event did what it did, or why it did nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from hookline_cli.client import Client, url_option


@click.command()
@click.argument("event")
@click.option("--json", "as_json", is_flag=True, help="The answer of the API as it is.")
@url_option
def explain(client: Client, event: str, as_json: bool) -> None:
    """Say why EVENT (the id that the gateway answered) resumed or started what it did.

    Shows its checks, and beside each waiting task and start rule every clause with what was
    expected and what came.
    """
    found = client.get(f"/webhook-events/{event}/explain")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in describe(found):
        click.echo(line)


def describe(found: Mapping[str, Any]) -> Iterator[str]:
    """The explanation in lines, the most important first."""
    yield f"{found['eventId']}  {found['verdict']}  at {found['webhookName']}"
    yield from found["summary"]
    if "first" in found:
        yield f"The first one: hookline explain {found['first']['id']}"
    if "early" in found:
        yield f"For waits that open late: {found['early']['text']}."
    if found["checks"]:
        yield ""
        yield "Checks"
        for check in found["checks"]:
            yield f"  {_mark(check['ok'])} {check['name']}  {check.get('detail', '')}".rstrip()
    for receiver in found["receivers"]:
        yield from _receiver(receiver)
    for rule in found["startRules"]:
        yield ""
        yield f"Start rule: {_workflow(rule)}"
        yield from _clauses(rule["clauses"])
        yield f"  {rule['why']}"


def _receiver(receiver: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"Receiver: {_workflow(receiver)}, {receiver['openWaits']} waiting"
    if not receiver["defined"]:
        yield "  there is no such workflow: save its definition, then `hookline replay`"
    if not receiver["waits"]:
        yield "  no task of it waits: start the workflow, or see whether its wait has ended"
    for plan in receiver["plans"]:
        yield from _plan(plan)
    for wait in receiver["waits"]:
        verdict = "meets" if wait["meets"] else f"{wait['missed']} missed"
        yield f"  {wait['taskRef']} of {wait['workflowId']} ({wait['state']}): {verdict}"
        yield from _clauses(wait["clauses"], "    ")
        for obstacle in wait["obstacles"]:
            yield f"    {_mark(ok=False)} {obstacle['text']}"


def _plan(plan: Mapping[str, Any]) -> Iterator[str]:
    """Only what keeps every wait of the plan from being found."""
    if plan.get("problem"):
        yield f"  version {plan['version']}: {plan['problem']}"
    for path in plan["paths"]:
        if not path["found"]:
            yield f"  its waits compare {path['path']}, and the event has nothing there"


def _clauses(clauses: list[Mapping[str, Any]], indent: str = "  ") -> Iterator[str]:
    for clause in clauses:
        came = json.dumps(clause["actual"], ensure_ascii=False) if clause["found"] else "nothing"
        expected = json.dumps(clause["expected"], ensure_ascii=False)
        note = f" ({clause['note']})" if clause.get("note") else ""
        yield (
            f"{indent}{_mark(clause['holds'])} {clause['path']} {clause['operator']} {expected}:"
            f" came {came}{note}"
        )


def _workflow(named: Mapping[str, Any]) -> str:
    version = f"version {named['version']}" if named["version"] else "any version"
    return f"{named['workflow']} ({version})"


def _mark(ok: bool) -> str:
    return "ok  " if ok else "MISS"
