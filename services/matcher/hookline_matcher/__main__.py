"""Starts the matcher as a process of its own."""

from hookline_common.running import run
from hookline_matcher.batch import SERVICE
from hookline_matcher.service import build

DEFAULT_PORT = 8084


def main() -> None:
    """Run until SIGTERM."""
    run(build, name=SERVICE, default_port=DEFAULT_PORT)


if __name__ == "__main__":
    main()
