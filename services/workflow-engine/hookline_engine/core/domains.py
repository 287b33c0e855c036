"""Which domain a worker task goes to (engine.md 2.14)."""

from hookline_engine.core.decisions import MissingLookups
from hookline_engine.core.work import Work

NO_DOMAIN = "NO_DOMAIN"


def domain_of(work: Work, task_type: str) -> str | None:
    """The first domain of the execution's list that is polled, else the last of the list."""
    mapping = work.head.task_to_domain
    listed = mapping.get(task_type) or mapping.get("*")
    if not listed:
        return None
    names = [name for part in listed.split(",") if (name := part.strip())]
    if not names:
        return None
    active = _active(work, task_type) if len(names) > 1 else frozenset[str]()
    polled = next((name for name in names if name != NO_DOMAIN and name in active), None)
    chosen = polled or names[-1]
    return None if chosen == NO_DOMAIN else chosen


def _active(work: Work, task_type: str) -> frozenset[str]:
    if task_type not in work.context.active_domains:
        raise MissingLookups(frozenset((task_type,)))
    return work.context.active_domains[task_type]
