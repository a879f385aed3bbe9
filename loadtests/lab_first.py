"""Makes `lab` the package of this file, whatever the folder that Locust was started in holds under that name."""

import sys
from pathlib import Path

# The checkout, or the site-packages of an installed lab: what holds the package.
_HOME = next(folder for folder in Path(__file__).resolve().parents if (folder / "lab" / "load").is_dir())

sys.path.insert(0, str(_HOME))
import lab  # noqa: E402  # from now on its parts are found beside it

sys.path.remove(str(_HOME))

__all__ = ["lab"]
