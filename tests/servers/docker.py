"""Whether a Docker engine answers here; asked once."""

import functools
import shutil
import subprocess


@functools.cache
def docker_answers() -> bool:
    """True if `docker info` reaches an engine."""
    if not shutil.which("docker"):
        return False
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
