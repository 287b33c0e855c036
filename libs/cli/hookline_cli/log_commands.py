"""`hookline topics create` and `rewind`: the two commands that use the log itself."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import click

from hookline_cli.moments import Moment
from hookline_cli.rewinding import (
    CannotRewind,
    Move,
    check_stopped,
    moves_to_offsets,
    moves_to_time,
    rewind,
)
from hookline_common import adapters
from hookline_common.errors import FolderInUse
from hookline_common.eventlog import EventLog, Position
from hookline_common.settings import Settings, load_settings
from hookline_common.topics import CATALOGUE, GROUPS, Group

_BY_NAME = {group.name: group for group in GROUPS}
_data = click.option("--data", help="The folder of the embedded log (default .hookline).")


class _Offset(click.ParamType[Position]):
    """`TOPIC:PARTITION:OFFSET`."""

    name = "topic:partition:offset"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Position:
        """The position."""
        topic, _, rest = str(value).partition(":")
        partition, _, offset = rest.partition(":")
        if not (topic and _is_number(partition) and _is_number(offset)):
            self.fail(f"{value!r} is not TOPIC:PARTITION:OFFSET", param, ctx)
        return Position(topic, int(partition), int(offset))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


@click.command()
@_data
def create(data: str | None) -> None:
    """Create the topics that are missing in HOOKLINE_LOG, or in the embedded log.

    Services do so when they start; this is for a cluster on which they may not.
    """
    made = asyncio.run(_create(load_settings(os.environ, data=data)))
    for name in made:
        click.echo(f"created {name}")
    if not made:
        click.echo(f"All {len(CATALOGUE)} topics are there.")


@click.command("rewind")
@click.option(
    "--group", required=True, type=click.Choice([*_BY_NAME]), help="Whose offsets to move."
)
@click.option(
    "--to", "to_ms", type=Moment(), help="Back to what was taken since this time, or so long ago."
)
@click.option(
    "--to-offset",
    "offsets",
    type=_Offset(),
    multiple=True,
    metavar="TOPIC:PARTITION:OFFSET",
    help="Back to this offset; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Only show from where to where.")
@_data
def rewind_command(
    group: str,
    to_ms: int | None,
    offsets: tuple[Position, ...],
    dry_run: bool,
    data: str | None,
) -> None:
    """Let a group read again what it has read; nothing is skipped, and nothing happens twice.

    The group must have no members: stop its service first. HOOKLINE_LOG names the log.
    """
    if (to_ms is None) == (not offsets):
        raise click.UsageError("Say where to: either --to TIME or --to-offset.")
    settings = load_settings(os.environ, data=data)
    for line in asyncio.run(_rewind(settings, _BY_NAME[group], to_ms, offsets, dry_run=dry_run)):
        click.echo(line)


async def _create(settings: Settings) -> list[str]:
    async with _open_log(settings) as log:
        return sorted(await log.create_topics(CATALOGUE))


async def _rewind(
    settings: Settings,
    group: Group,
    to_ms: int | None,
    offsets: tuple[Position, ...],
    *,
    dry_run: bool,
) -> list[str]:
    _check_there(settings)
    try:
        async with _open_log(settings) as log:
            return await _rewind_in(log, group, to_ms, offsets, dry_run=dry_run)
    except FolderInUse as error:
        message = f"the group {group.name} has members: stop its service {group.service} first"
        raise CannotRewind(f"{message} ({error})") from error


async def _rewind_in(
    log: EventLog,
    group: Group,
    to_ms: int | None,
    offsets: tuple[Position, ...],
    *,
    dry_run: bool,
) -> list[str]:
    if to_ms is None:
        moves = await moves_to_offsets(log, group, offsets)
    else:
        moves = await moves_to_time(log, group, to_ms)
    if not dry_run:
        await rewind(log, group, moves)
        return describe_moves(group, moves, "will read")
    lines = describe_moves(group, moves, "would read")
    try:
        await check_stopped(log, group)
    except CannotRewind as error:
        lines.append(f"Not now: {error}.")
    return lines


def describe_moves(group: Group, moves: list[Move], verb: str) -> list[str]:
    """A line for each partition that is moved, and one of the sum."""
    moved = [move for move in moves if move.again]
    lines = [
        f"{move.topic}:{move.partition:<4} {move.committed:>10} -> {move.to:>10}"
        f"  ({move.again} again)"
        for move in moved
    ]
    count = sum(move.again for move in moved)
    if not count:
        return [f"Nothing to rewind: the group {group.name} has read nothing from there on."]
    return [*lines, f"The group {group.name} {verb} {count} records again."]


@contextlib.asynccontextmanager
async def _open_log(settings: Settings) -> AsyncGenerator[EventLog]:
    log = await adapters.open_log(settings.log)
    try:
        yield log
    finally:
        await log.close()


def _check_there(settings: Settings) -> None:
    """An embedded log that is not there must not be made by looking at it."""
    scheme, _, path = settings.log.partition(":")
    if scheme == "sqlite" and not Path(path).exists():
        raise CannotRewind(f"there is no log at {path}; name its folder with --data")
