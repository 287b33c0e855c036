"""A worker as a user of conductor-python writes it; nothing in it knows of Hookline.

`python -m tests.system.sdk_worker` with CONDUCTOR_SERVER_URL registers its workflow and then does
the SIMPLE task `open_order` until it is told to end.
"""

import os
import signal
import threading

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models.task_def import TaskDef
from conductor.client.http.models.workflow_def import WorkflowDef
from conductor.client.http.models.workflow_task import WorkflowTask
from conductor.client.orkes_clients import OrkesClients
from conductor.client.worker.worker_task import worker_task

WORKFLOW = "order_paid"


@worker_task(task_definition_name="open_order", poll_interval_millis=50)
def open_order(customer: str) -> dict:
    """The worker's own work: an order number for the customer."""
    return {"order": f"order-of-{customer}"}


def definition() -> WorkflowDef:
    """Opens an order, then waits until the shop's webhook says that it is paid."""
    opening = WorkflowTask(
        name="open_order",
        task_reference_name="opening",
        type="SIMPLE",
        input_parameters={"customer": "${workflow.input.customer}"},
    )
    waiting = WorkflowTask(
        name="paid",
        task_reference_name="paid",
        type="WAIT_FOR_WEBHOOK",
        input_parameters={"matches": {"$.order": "${opening.output.order}"}},
    )
    return WorkflowDef(
        name=WORKFLOW,
        version=1,
        tasks=[opening, waiting],
        output_parameters={"order": "${opening.output.order}", "amount": "${paid.output.amount}"},
    )


def main() -> None:
    """Register, work, and end on SIGTERM."""
    configuration = Configuration()
    metadata = OrkesClients(configuration).get_metadata_client()
    metadata.register_task_def(TaskDef(name="open_order"))
    metadata.register_workflow_def(definition(), overwrite=True)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    handler = TaskHandler(configuration=configuration)
    handler.start_processes()
    print("the worker works", flush=True)
    told.wait()
    handler.stop_processes()
    print("the worker has ended", flush=True)
    os._exit(0)  # with CONDUCTOR_WORKER_ISOLATION=thread the SDK leaves its threads running


if __name__ == "__main__":
    main()
