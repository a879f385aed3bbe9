"""Plain Locust: buffer_transaction only. See locustfile.py for the options."""

import os

os.environ.setdefault("LAB_PROFILE", "buffer")

import lab_first  # noqa: F401

from lab.load.generator.user import PlanShape, StreamUser  # the profile has to be named first

__all__ = ["PlanShape", "StreamUser"]
