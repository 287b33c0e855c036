"""The resume benchmark against a `hookline up` of its own, in a folder of its own."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.processes import free_port, running


def main() -> None:
    """Start Hookline on the embedded default, measure it, stop it."""
    port, beside = free_port(), Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="hookline-bench-") as folder:
        command = [str(beside / "hookline"), "up", "--port", str(port), "--gateway-port", "0"]
        log = Path(folder) / "hookline.log"
        with running([*command, "--data", str(Path(folder) / "data")], port, log):
            resume = Path(__file__).with_name("resume.py")
            url = f"http://127.0.0.1:{port}"
            subprocess.run([sys.executable, str(resume), "--url", url], check=True)


if __name__ == "__main__":
    main()
