"""Finding the line of a task, wherever it is by now."""

from hookline_engine.core.model import TaskLine, find_line
from hookline_engine.core.work import Work


def find(work: Work, task_id: str) -> TaskLine | None:
    """The line as this decision knows it; pages are read only for what the head does not hold."""
    for line in work.tasks.values():
        if line.id == task_id:
            return line
    old = find_line(work.head, task_id)
    if old is not None:
        return old
    for page_id in reversed(work.head.pages):
        for line in work.page(page_id):
            if line.id == task_id:
                return line
    return None
