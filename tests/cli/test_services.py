"""`GET /api/services` of a running system."""

from pathlib import Path

from tests.servers.hookline import up


def test_a_running_system_shows_its_four_services(tmp_path: Path) -> None:
    with up(tmp_path) as system:

        def all_ready() -> bool:
            found = system.get("/services")["services"]
            return all(one["ready"] for one in found)

        system.until(all_ready, "all services being ready")
        found = {one["service"]: one["instances"] for one in system.get("/services")["services"]}
    assert {"ingest", "verifier", "matcher", "engine"} <= set(found)
    assert {one["pid"] for those in found.values() for one in those} == {system.process.pid}
    assert all(one["version"] for those in found.values() for one in those)
