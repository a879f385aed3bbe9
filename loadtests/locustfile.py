"""Runs any load profile with plain Locust: `LAB_PROFILE=mixed locust -f loadtests/locustfile.py --headless`.

It finds its target through the session.json of a running `lab up` (results/up, or LAB_SESSION), signs ahead, and
reconciles with the chains at the end. Users, spawn rate and run time follow from the profile; Locust's own options
say the rest: --processes N, --master and --worker, --html FILE, or no --headless for the web page.
"""

import lab_first  # noqa: F401

from lab.load.generator.user import PlanShape, StreamUser

__all__ = ["PlanShape", "StreamUser"]
