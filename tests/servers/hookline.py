"""Hookline as real processes: `hookline up`, single services, and the commands against them."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.servers.processes import free_port, outer_environ, running, stop

DEADLINE_SECONDS = 20
BIN = Path(sys.executable).parent
# Traces and the dead-letter reason `unexpected`: neither may be in the log of a process.
AMISS = re.compile(r'Traceback|"exception":|unexpected|Warning:|never awaited')


class Done(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class System:
    """A running Hookline: `api` is the address of the API, `gateway` that of the gateway."""

    def __init__(
        self,
        api: str,
        gateway: str,
        logs: Sequence[Path],
        process: subprocess.Popen[bytes],
        certificate: Path | None = None,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        """`process` is the one that is told to end; `certificate` is to be believed; `addresses`
        are those of services that have a process of their own.
        """
        self.api = api
        self.gateway = gateway
        self.logs = logs
        self.process = process
        self._certificate = certificate
        self._addresses = addresses or {}
        self.http = httpx.Client(base_url=api, timeout=DEADLINE_SECONDS)

    def address(self, service: str) -> str:
        """Where the process of a service answers."""
        return self._addresses[service]

    def get(self, path: str, **options: Any) -> Any:
        """GET under /api; the JSON of a good answer."""
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        """POST JSON under /api; the JSON or the text of a good answer."""
        return self.call("POST", path, json=json, **options)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One call under /api that must succeed."""
        answer = self.http.request(method, f"/api{path}", **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        if answer.headers.get("content-type", "").startswith("application/json"):
            return answer.json()
        return answer.text

    def hookline(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Done:
        """Run the command `hookline` against this system."""
        more = {"HOOKLINE_URL": self.api, **(environ or {})}
        if self._certificate is not None:
            more["SSL_CERT_FILE"] = str(self._certificate)
        return command("hookline", *arguments, environ=more)

    def output(self) -> str:
        """Everything that its processes have written."""
        return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in self.logs)

    def event(self, event_id: str) -> dict[str, Any]:
        """The record of an event, once it has its final verdict."""
        return self.until(
            lambda: _final(self.http.get(f"/api/webhook-events/{event_id}")),
            f"a verdict on event {event_id}",
        )

    def execution(self, workflow_id: str, *statuses: str) -> dict[str, Any]:
        """The execution, once it has one of the statuses."""

        def reached() -> dict[str, Any] | None:
            found = self.get(f"/workflow/{workflow_id}")
            if found["status"] in statuses:
                return found
            assert found["status"] in ("RUNNING", "PAUSED"), found
            return None

        return self.until(reached, f"workflow {workflow_id} to be {statuses}")

    def until(self, look: Any, what: str, seconds: float = DEADLINE_SECONDS) -> Any:
        """What `look` finds, as soon as it finds something; fails with the processes' output."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, f"waited in vain for {what}\n{self.output()[-6000:]}"
            time.sleep(0.02)
        return found

    def assert_clean(self) -> None:
        """Nothing went wrong inside that was only logged."""
        text = self.output()
        found = AMISS.search(text)
        assert found is None, f"{found and found[0]!r} in the log:\n{text[-6000:]}"


def _final(answer: httpx.Response) -> dict[str, Any] | None:
    if answer.status_code == 404:
        return None
    assert answer.is_success, answer.text
    record: dict[str, Any] = answer.json()
    return None if record["verdict"] == "pending" else record


def command(
    name: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    seconds: float = 60,
) -> Done:
    """Run a console script to its end."""
    done = subprocess.run(
        [str(BIN / name), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=folder,
        env={**outer_environ(), **(environ or {})},
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def up(
    folder: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    program: Sequence[str] = (str(BIN / "hookline"), "up"),
    certificate: Path | None = None,
) -> Iterator[System]:
    """`hookline up` on free ports with its data in `folder`; ends it and looks at its log."""
    port, gateway_port = free_port(), free_port()
    log = folder / f"up-{port}.log"
    ports = ("--port", str(port), "--gateway-port", str(gateway_port))
    full = [*program, *ports, "--data", str(folder / "data"), *arguments]
    scheme = "https" if certificate else "http"
    with running(full, port, log, environ) as process:
        system = System(
            f"http://127.0.0.1:{port}",
            f"{scheme}://127.0.0.1:{gateway_port}",
            [log],
            process,
            certificate,
        )
        with system.http:
            wait_ready(system)
            yield system
            code = end(process)
    assert code == 0, f"it ended with {code}:\n{system.output()[-6000:]}"
    system.assert_clean()


def wait_ready(system: System) -> None:
    """Return when the system says that it is ready."""
    _wait_ready(system, system.api)


def _wait_ready(system: System, address: str) -> None:
    system.until(
        lambda: system.http.get(f"{address}/readyz").status_code == 200,
        f"{address} to be ready",
        60,
    )


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Ask a process to end and return its exit code; by force after a deadline."""
    if process.poll() is None:
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(DEADLINE_SECONDS)
    return stop(process)


def path_with_scripts() -> str:
    """PATH with the console scripts of this environment first."""
    return f"{BIN}{os.pathsep}{os.environ['PATH']}"


class Process(msgspec.Struct, frozen=True):
    """A service as a process of its own: its command, environment and port."""

    command: Sequence[str]
    environ: Mapping[str, str]
    port: int


@contextlib.contextmanager
def services(processes: Mapping[str, Process], folder: Path) -> Iterator[System]:
    """The services `engine`, `ingest` and more as processes; ends them and looks at their logs."""
    logs = [folder / f"{name}.log" for name in processes]
    addresses = {name: f"http://127.0.0.1:{one.port}" for name, one in processes.items()}
    with contextlib.ExitStack() as stack:
        started = {
            name: stack.enter_context(_service(one, folder / f"{name}.log"))
            for name, one in processes.items()
        }
        system = System(
            addresses["engine"],
            addresses["ingest"],
            logs,
            started["engine"],
            addresses=addresses,
        )
        stack.enter_context(system.http)
        for address in addresses.values():
            _wait_ready(system, address)
        yield system
        codes = {name: end(process) for name, process in started.items()}
    assert set(codes.values()) == {0}, f"they ended with {codes}:\n{system.output()[-6000:]}"
    system.assert_clean()


def _service(one: Process, log: Path) -> contextlib.AbstractContextManager[Any]:
    path = str(BIN / one.command[0])
    return running([path, *one.command[1:]], one.port, log, one.environ)
