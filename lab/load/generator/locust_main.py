"""`python -m lab.load.generator.locust_main`: Locust as `lab load` starts it, without the user's configuration files.

`locust.conf` and `pyproject.toml` are looked for where it runs, `.locust.conf` in the home folder: both are the run's.
"""

from __future__ import annotations

import os
from pathlib import Path


def main() -> None:
    """Does what `python -m locust` does. The home folder changes only after Python has found its packages there."""
    os.environ["HOME"] = str(Path.cwd())
    from locust.main import main as locust

    locust()  # type: ignore[no-untyped-call]  # Locust's own


if __name__ == "__main__":
    main()
