"""Why a mutant that no test notices stays: what `arguments.yaml` says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.mutation.results import Mutant

FILE = Path(__file__).parent / "arguments.yaml"


@dataclass(frozen=True)
class Argument:
    """Why some mutants stay.

    Args:
        why: The reason, as one sentence.
        function: The function of the mutants, with its module and class; "" for all functions.
        before: The changed lines as they are; of a kind, a pattern that is found in them.
        after: The changed lines as they were; of a kind, a pattern that is found in them.
        is_same: Whether the program does the same with the change, so that no test can notice it.
        is_kind: Whether it is about a kind of mutants, and not about one.
    """

    why: str
    function: str = ""
    before: str = ""
    after: str = ""
    is_same: bool = False
    is_kind: bool = False

    def fits(self, mutant: Mutant) -> bool:
        """Whether it is about a mutant."""
        if self.function not in ("", mutant.function):
            return False
        if not self.is_kind:
            return (self.before, self.after) == (mutant.before, mutant.after)
        found = re.search(self.before, mutant.before) and re.search(self.after, mutant.after)
        return found is not None


def arguments() -> list[Argument]:
    """Return all arguments; those about one mutant come first."""
    stored: dict[str, list[dict[str, Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    single = [Argument(**each) for each in stored["mutants"] or ()]
    return [*single, *(Argument(**each, is_kind=True) for each in stored["kinds"] or ())]


def argument_for(mutant: Mutant, known: Sequence[Argument]) -> Argument | None:
    """Return the first argument that is about a mutant."""
    return next((each for each in known if each.fits(mutant)), None)


def idle(known: Iterable[Argument], mutants: Sequence[Mutant]) -> list[Argument]:
    """Return the arguments that are about no mutant any more."""
    return [each for each in known if not any(map(each.fits, mutants))]
