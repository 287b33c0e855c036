"""Runs the verifier as a process of its own."""

from hookline_common.running import run
from hookline_verifier.service import build


def main() -> None:
    """Judge events until told to stop; the port serves health and metrics."""
    run(build, name="verifier", default_port=8083)


if __name__ == "__main__":
    main()
