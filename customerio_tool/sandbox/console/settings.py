"""Pages of what can be switched: faults, clock, snapshots, options."""

from __future__ import annotations

from typing import get_args

from ..serving.faults import Action
from ..serving.http import Reply
from .option_fields import option_fields
from .routing import Pages
from .visit import Visit

PAGES = Pages()


@PAGES.get("/console/faults")
def faults(visit: Visit) -> Reply:
    """The fault rules in force, and a form for another."""
    return show_faults(visit, {})


def show_faults(visit: Visit, form: dict[str, str], problem: str = "", status: int = 200) -> Reply:
    """The page of faults, with a form that was refused and why."""
    operations = sorted(route.operation for route in visit.application.router.served())
    return visit.page(
        "faults",
        status,
        faults=visit.application.faults.shown(),
        operations=operations,
        actions=get_args(Action),
        form=form,
        problem=problem,
    )


@PAGES.get("/console/workspace")
def workspace(visit: Visit) -> Reply:
    """Clock, snapshots and reset."""
    return show_workspace(visit)


def show_workspace(visit: Visit, problem: str = "", status: int = 200) -> Reply:
    """The page of clock, snapshots and reset, with what was refused."""
    names = visit.application.snapshots.names()
    return visit.page("workspace", status, snapshots=names, problem=problem)


@PAGES.get("/console/options")
def options(visit: Visit) -> Reply:
    """All options except the credentials, and which differ from their defaults."""
    return show_options(visit, {})


def show_options(visit: Visit, form: dict[str, str], problem: str = "", status: int = 200) -> Reply:
    """The page of options, with a form that was refused and why."""
    rows = option_fields(visit.application.options, form)
    return visit.page("options", status, rows=rows, problem=problem)
