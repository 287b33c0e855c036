"""Runs the gateway as a process of its own."""

from hookline_common.running import Surface, run
from hookline_ingest.service import build


def main() -> None:
    """Serve webhooks until told to stop."""
    run(build, name="ingest", default_port=8081, surface=Surface.GATEWAY)


if __name__ == "__main__":
    main()
