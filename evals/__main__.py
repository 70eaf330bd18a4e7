"""Scores wordings: `python -m evals`, or beside another one `python -m evals --against HEAD~1`.

It needs `pip install -e '.[evals]'`, prints Markdown, and takes some seconds per model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from evals import report
from evals.cases import HALVES, Case, cases
from evals.chat import ChatModel
from evals.minilm import WeightsMissing
from evals.models import MODELS, Model, Ranking
from evals.scores import Change, Score, change, score
from evals.wordings import NoSuchWording, wording

GIVEN = "a detail, a revision of git, or a JSON file of descriptions by name"


def main(
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help=f"{' or '.join(MODELS)}, both if not given."),
    ] = None,
    url: Annotated[
        str, typer.Option(help="An OpenAI-compatible API to ask instead: http://127.0.0.1:8080/v1.")
    ] = "",
    name: Annotated[str, typer.Option(help="What the model at --url is called there.")] = "default",
    new: Annotated[str, typer.Option("--wording", help=f"{GIVEN}; now if not given.")] = "",
    old: Annotated[str, typer.Option("--against", help=f"The wording before: {GIVEN}.")] = "",
    worst: Annotated[int, typer.Option(min=0, help="How many confusions to show.")] = 10,
) -> None:
    """Tell how often the right subtool is found by its words, and whether a wording is better.

    A wording is kept if it wins on the held-out requests, which it was not written for.
    """
    for label, model in _models(models or list(MODELS), url, name).items():
        try:
            after = model.rankings(wording(new), _requests())
            before = model.rankings(wording(old), _requests()) if old else None
        except NoSuchWording as error:
            raise typer.BadParameter(str(error)) from error
        _tell(label, after, before, worst)


def _models(names: Sequence[str], url: str, name: str) -> dict[str, Model]:
    if url:
        return {name: ChatModel(url, name)}
    if strange := set(names) - MODELS.keys():
        raise typer.BadParameter(f"no model is called {', '.join(sorted(strange))}")
    try:
        return {each: MODELS[each]() for each in names}
    except (WeightsMissing, ImportError) as error:
        raise typer.BadParameter(str(error)) from error


def _requests() -> list[str]:
    return [case.request for case in cases()]


def _tell(label: str, after: list[Ranking], before: list[Ranking] | None, worst: int) -> None:
    found: dict[tuple[str, str], Score] = {}
    moved: dict[tuple[str, str], Change] = {}
    for group, places in _groups(cases()).items():
        chosen = [cases()[at] for at in places]
        found[label, group] = score(chosen, [after[at] for at in places])
        if before:
            moved[label, group] = change(
                chosen, [before[at] for at in places], [after[at] for at in places]
            )
    typer.echo(report.scores(found))
    if moved:
        typer.echo(report.changes(moved))
    if worst:
        typer.echo(report.confusions(label, found[label, "all"], worst))


def _groups(every: Sequence[Case]) -> dict[str, list[int]]:
    """Return the places of the requests of each half, of English and of other languages."""
    groups: dict[str, list[int]] = {
        half: [at for at, case in enumerate(every) if case.half == half] for half in HALVES
    }
    english = {at for at, case in enumerate(every) if case.language == "en"}
    groups["English"] = sorted(english)
    groups["other languages"] = sorted(set(range(len(every))) - english)
    groups["all"] = list(range(len(every)))
    return groups


if __name__ == "__main__":
    typer.run(main)
