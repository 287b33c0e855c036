"""What to type after the start."""

from hookline_cli.client import DEFAULT_URL

_NEXT_COMMANDS = (
    "hookline samples apply wait_for_review",
    "hookline run wait_for_review --input number=42",
    "hookline send github-demo pull_request_review --set pull_request.number=42",
)


def next_commands(api: str) -> tuple[str, ...]:
    """What to type next; where the commands would not find this system, how they do."""
    if api == DEFAULT_URL:
        return _NEXT_COMMANDS
    return (f"export HOOKLINE_URL={api}", *_NEXT_COMMANDS)
