"""What happens to a message that fails: how often it is tried, after which pauses, and then what.

The table that consuming.py and isolation.py go by; docs/operating.md shows it.
"""

import msgspec

BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pause after the first, second, … failure in a row; the last one repeats.

First pauses are short, since most faults of a log or store are a change of leader that takes
less than a second; ten seconds keep a long outage cheap and its end noticed soon.
"""

WHOLE_TRIES = 3
"""How often a batch is tried as a whole before its messages are tried one by one."""

UNEXPECTED_TRIES = 3
"""How often a message is tried that fails with an error of no known type."""

STUCK_FAILURES = 10
"""How often a message fails, with successes of others in between, until it is stuck (A6)."""

STUCK_PAUSE = 3
"""Index of the longest pause of a message that fails while others succeed."""

OTHERS_WAIT_SECONDS = max(sum(BACKOFF_SECONDS[:WHOLE_TRIES]), BACKOFF_SECONDS[STUCK_PAUSE])
"""How long at most a message that fails and may succeed later holds up those of other keys."""


class Rule(msgspec.Struct, frozen=True):
    """A kind of failure, the most that a message is tried (None: no end), the pauses, the end."""

    failure: str
    tries: int | None
    pauses: tuple[float, ...]
    then: str


RULES: tuple[Rule, ...] = (
    Rule(
        "retryable (`LogUnavailable`, `StoreUnavailable`, `DiskFull`), and no message succeeds",
        None,
        BACKOFF_SECONDS,
        "the consumer waits; nothing is put aside, however long it takes",
    ),
    Rule(
        "retryable, while others on the same store succeed",
        WHOLE_TRIES + STUCK_FAILURES,
        BACKOFF_SECONDS[: STUCK_PAUSE + 1],
        "dead letter, reason `stuck`",
    ),
    Rule(
        "poison (`Undecodable`, `SealBroken`, too large for its topic)",
        1,
        (),
        "dead letter, reason `poison`",
    ),
    Rule(
        "an error of no known type",
        UNEXPECTED_TRIES,
        BACKOFF_SECONDS[: UNEXPECTED_TRIES - 1],
        "dead letter, reason `unexpected`; the service is not ready for five minutes",
    ),
    Rule("the partition was taken away", 1, (), "the batch is dropped and read where it is now"),
    Rule("fatal (`DurabilityLost`, `Misconfigured`)", 1, (), "the process ends"),
)


def table() -> list[str]:
    """The rules as a Markdown table."""
    lines = ["| failure | tries | pauses, in seconds | then |", "|---|---|---|---|"]
    return [*lines, *(_row(rule) for rule in RULES)]


def _row(rule: Rule) -> str:
    tries = "without end" if rule.tries is None else str(rule.tries)
    pauses = ", ".join(f"{pause:g}" for pause in rule.pauses)
    repeated = rule.tries is None or rule.tries > len(rule.pauses) + 1
    more = ", and so on" if pauses and repeated else ""
    return f"| {rule.failure} | {tries} | {pauses or 'none'}{more} | {rule.then} |"
