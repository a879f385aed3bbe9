"""The templates and styles of a run's page and of the index over a session."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.html.page import Pages
from lab.model.checks import check_demand, check_name, name_checks


@cache
def run_pages() -> Pages:
    """The templates of this room, with the filters that name checks."""
    filters = {"check_name": check_name, "check_demand": check_demand, "name_checks": name_checks}
    return Pages(Path(__file__).with_name("templates"), **filters)
