"""`hookline completion`: shell completion, to be evaluated by the shell."""

from collections.abc import Callable, Sequence

import click
from click.shell_completion import get_completion_class

Offer = Callable[[click.Context, click.Parameter, str], list[str]]


def offering(names: Callable[[], Sequence[str]]) -> Offer:
    """Completes an argument with the names that begin as it does."""

    def offer(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        del context, parameter
        return [name for name in names() if name.startswith(begun)]

    return offer


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script; for bash: eval "$(hookline completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root().command
    click.echo(kind(root, {}, "hookline", "_HOOKLINE_COMPLETE").source())
