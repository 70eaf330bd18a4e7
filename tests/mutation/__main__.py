"""Breaks the code on purpose: `python -m tests.mutation run policy` (extra `mutants`).

The targets stand in `[tool.mutants]` of `pyproject.toml`. A run may be stopped, and goes on where
it was; at its end it writes the results beside this file, from which `report` makes the page.
`run calls --sample 250` tries only so many, picked at random and the same each time. With
`--beyond 150` it leaves out the first 150 of that order: tests were written for their survivors, so
only the others tell what the tests notice of mutants that nobody has looked at.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tests.mutation import report as page
from tests.mutation.arguments import argument_for, arguments
from tests.mutation.results import (
    Result,
    choose,
    collect,
    kept,
    kept_as,
    target_of,
    undetected,
    untried,
)
from tests.mutation.targets import Target, targets
from tests.support.project import ROOT

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(metavar="TARGET", help="A target of `[tool.mutants]`.")]
Only = Annotated[
    list[str] | None, typer.Argument(help="Try these alone, by mutmut's names or with `*`.")
]
Again = Annotated[bool, typer.Option(help="Try those again that no test noticed.")]
Sample = Annotated[
    int | None, typer.Option(min=1, help="Try and count only so many, picked at random.")
]
Beyond = Annotated[
    int, typer.Option(min=0, help="Leave out the first so many: tests were written for them.")
]
Processes = Annotated[int, typer.Option(min=1, help="How many mutants are tried at a time.")]


@app.command()
def run(
    name: Name,
    only: Only = None,
    *,
    sample: Sample = None,
    beyond: Beyond = 0,
    again: Again = False,
    processes: Processes = 1,
) -> None:
    """Try the mutants of a target that have not been tried, or whose function has changed."""
    target = _target(name)
    if beyond and not sample:
        raise typer.BadParameter("--beyond comes with --sample: the order is that of the samples")
    target.prepare()
    if sample:
        _execute([sys.executable, "-m", "tests.mutation.generate"], target.folder)
    choose(target, sample, beyond)
    fresh = untried(target) if sample else []
    if again and fresh:  # else nobody knew what the sample told before its new tests
        raise typer.BadParameter(
            f"--again comes after a run without it: {len(fresh):,} are untried"
        )
    names = [*(only or ()), *fresh, *(undetected(target) if again else ())]
    if names or not sample:
        _try(target, names, anew=again, processes=processes)
    before = kept().get(kept_as(name, beyond))
    result = collect(target, beyond).after(before, again=again or bool(only))
    typer.echo(f"{result.share:.1f} % of {result.mutants:,} mutants were noticed")
    if left := len(untried(target)):
        typer.echo(f"{left:,} have not been tried yet, so no result is kept")
    else:
        result.save(name)


def _try(target: Target, names: Sequence[str], *, anew: bool, processes: int) -> None:
    """Let mutmut try mutants; none are named: all that have not been tried."""
    stats = target.folder / "mutants" / "mutmut-stats.json"
    if anew:  # a changed test may reach other functions than it did
        stats.unlink(missing_ok=True)
    if not stats.exists():
        _execute([sys.executable, "-m", "tests.mutation.unbroken", target.name], ROOT)
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    _execute([mutmut, "run", "--max-children", str(processes), *names], target.folder)


@app.command()
def survivors(name: Name, *, everyone: Annotated[bool, typer.Option("--all")] = False) -> None:
    """Show the mutants that no test noticed and that have no argument; with `--all`, all."""
    target, known = _target(name), arguments()
    results = [collect(target)] if target.folder.exists() else _kept_of(name)
    for mutant in (each for result in results for each in result.survivors):
        if everyone or argument_for(mutant, known) is None:
            unreached = "" if mutant.reached else "  (no test runs it)"
            typer.echo(f"{mutant.function}{unreached}\n{page.diff(mutant)}\n")


@app.command()
def report() -> None:
    """Write the page of the newest results."""
    page.PAGE.write_text(page.markdown(kept(), arguments(), targets()), encoding="utf-8")


def _execute(command: Sequence[str], folder: Path) -> None:
    """Run a command, in which every mutant meets the same examples of hypothesis."""
    # Without the files that Python compiles, each mutant would compile all of them anew.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(command, cwd=folder, env=environment | {"REQUIRE_ALL": "1"}, check=False)
    if ended.returncode:
        raise typer.Exit(ended.returncode)


def _kept_of(name: str) -> list[Result]:
    return [result for each, result in kept().items() if target_of(each) == name]


def _target(name: str) -> Target:
    known = targets()
    if name not in known:
        raise typer.BadParameter(f"there is none {name!r}: give {', '.join(known)}")
    return known[name]


if __name__ == "__main__":
    app()
