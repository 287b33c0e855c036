"""Runs the engine as a process of its own."""

from hookline_common.running import Surface, run
from hookline_engine.service import DEFAULT_PORT, NAME, build


def main() -> None:
    """The command `hookline-engine`."""
    run(build, name=NAME, default_port=DEFAULT_PORT, surface=Surface.API)


if __name__ == "__main__":
    main()
