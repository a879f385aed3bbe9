"""A scenario in Python ends with a verdict, whatever the contract lacks or answers: what stops it becomes evidence."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable
from pathlib import Path

from lab.coordinator.documented import FUNCTIONS
from lab.errors import DeadlineExceeded, DeployFailure
from lab.model.records import CUT_SHORT
from lab.rpc import RpcRefused
from lab.runner.requirements.optional import lacking
from lab.runner.requirements.unmet import MissingFunction, NoRoom, Unmeasured
from lab.runner.run import Run
from lab.runner.script import Script

# What a contract's answer makes of code that foresaw another one. A NameError is the code's own, and keeps its trace.
UNFORESEEN = (LookupError, ValueError, TypeError, ArithmeticError, AttributeError, StopIteration)


def guarded(run: Run, play: Callable[[Script], None]) -> None:
    """Play it to its end, or to where it cannot go on; what was recorded until then is judged.

    What wants a function of an optional part that the contract lacks, or more room in its blocks, is not exercised. A
    documented function that is missing, an `assert` that does not hold and a call of a procedure that the contract
    refuses fail. A wait that ran into its deadline and any other exception leave the rest unknown, with the line that
    raised it.
    """
    script = Script(run)
    try:
        play(script)
    except (MissingFunction, NoRoom) as missing:
        _cut_short(script, missing)
    except RpcRefused as refused:
        if "revert" not in refused.reason.lower():
            raise
        script.expect("a call to be answered", refused.reason, met=False, because=_place(run, refused))
    except Unmeasured as reverted:
        script.expect("a call to be measured before many are sent", str(reverted), met=None)
    except DeployFailure as refused:
        script.expect("the calls of a procedure to succeed", str(refused), met=False, because=_place(run, refused))
    except DeadlineExceeded as late:
        script.expect("the scenario to be played to its end", str(late), met=None, because=_place(run, late))
    except AssertionError as error:
        words = str(error).splitlines() or ["it does not hold"]
        script.expect("an assertion to hold", words[0], met=False, because=_place(run, error))
    except UNFORESEEN as error:
        came = f"{type(error).__name__}: {error}"
        script.expect("the scenario to be played to its end", came, met=None, because=_place(run, error))


def _cut_short(script: Script, error: MissingFunction | NoRoom) -> None:
    parts = [str(error)] if isinstance(error, NoRoom) else lacking(script.run.lab.spec.target, (), [error.function])
    for part in parts:
        script.note(CUT_SHORT, part)
    if isinstance(error, MissingFunction) and not parts:
        what = "the documented function" if error.function in FUNCTIONS else "the function"
        script.expect(f"{what} {error.function}", str(error), met=False, because=_place(script.run, error))


def _place(run: Run, error: BaseException) -> str:
    """The innermost line of the scenario's own file, quoted."""
    file = str(run.item.file)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if not frames:
        return f"the scenario cannot go on from {Path(file).name}"
    line = frames[-1].lineno or 0
    return f"the scenario cannot go on from {Path(file).name}:{line}: {linecache.getline(file, line).strip()}"
