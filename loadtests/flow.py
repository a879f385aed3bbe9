"""Plain Locust: whole cross-chain flows; `lab up` must run, with its relayer. See locustfile.py for the options."""

import os

os.environ.setdefault("LAB_PROFILE", "flow")

from lab.load.generator.user import PlanShape, StreamUser  # the profile has to be named first

__all__ = ["PlanShape", "StreamUser"]
