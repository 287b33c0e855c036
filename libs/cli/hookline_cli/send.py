"""`hookline send`: a sample event, signed as the platform signs it."""

from pathlib import Path
from typing import Any

import click

from hookline_cli import sending
from hookline_cli.client import Client, parse_assignments, url_option
from hookline_cli.completion import offering

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("webhook")
@click.argument("event", shell_complete=offering(sending.sample_names))
@click.option("--set", "assignments", multiple=True, metavar="PATH=VALUE",
              help="Change a value of the sample; repeatable.")  # fmt: skip
@click.option("--secret-file", type=_FILE, help="Sign here, with the secret in this file.")
@click.option("--private-key-file", type=_FILE, help="Sign here, with this private key (SendGrid).")
@url_option
def send(
    client: Client,
    webhook: str,
    event: str,
    assignments: tuple[str, ...],
    secret_file: Path | None,
    private_key_file: Path | None,
) -> None:
    """Send WEBHOOK (an id or a name) a sample EVENT of its platform.

    Without a file the server signs, since it holds the secret; with one this command does.
    """
    target = client.webhook(webhook)
    values = parse_assignments(assignments)
    if secret_file is None and private_key_file is None:
        _show(_by_server(client, target, event, values))
        return
    platform = sending.platform_of(target)
    request = sending.sample(platform, event, target["url"], values)
    if private_key_file is not None:
        request = sending.signed_privately(platform, private_key_file.read_text(), request)
    elif secret_file is not None:
        request = sending.signed(platform, secret_file.read_text().strip(), request)
    _show(sending.post(request))


def _by_server(
    client: Client, target: dict[str, Any], event: str, values: dict[str, Any]
) -> sending.Sent:
    path = f"/metadata/webhook/{target['id']}/test"
    answer = client.post(path, {"event": event, "set": values})
    return sending.Sent(answer["status"], answer.get("eventId", ""), answer.get("body", ""))


def _show(sent: sending.Sent) -> None:
    click.echo(f"{sent.status} {sent.event_id} {sent.body}".rstrip())
    if not 200 <= sent.status < 300:
        raise SystemExit(1)
