"""`python -m lab.broken [FOLDER]` writes the broken contracts into a folder, by default beside their patches."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.broken import CONTRACTS, read_bugs, write_contracts
from lab.errors import LabError


def main(arguments: list[str]) -> int:
    """The exit code: 0, or that of the error, which is printed."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0]) if arguments else CONTRACTS / "broken"
    try:
        written = write_contracts(read_bugs(), folder)
    except LabError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{len(written)} broken contracts in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
