"""Plain Locust: nine arrivals in ten buffer, the tenth is a cross-chain flow. See locustfile.py for the options."""

import os

os.environ.setdefault("LAB_PROFILE", "mixed")

import lab_first  # noqa: F401

from lab.load.generator.user import PlanShape, StreamUser  # the profile has to be named first

__all__ = ["PlanShape", "StreamUser"]
