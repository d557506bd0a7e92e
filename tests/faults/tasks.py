"""Tasks that the fault tests have worker hosts run; they know this module by its name only."""

import os
import time
from pathlib import Path


def work_for(seconds: int) -> None:
    """Note who works, in the host's state folder, and take so long."""
    (Path(os.environ["STATE_DIR"]) / f"busy-{os.getpid()}").touch()
    time.sleep(seconds)
