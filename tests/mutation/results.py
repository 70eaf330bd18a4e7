"""What became of the mutants: read from mutmut's folder, and kept as a file beside this one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.mutation.sample import likely_range, sample
from tests.mutation.targets import Target

KEPT = Path(__file__).parent / "results"

SURVIVED, NOT_REACHED = 0, (5, 33)
TIMED_OUT = (-24, 24, 36, 152)  # mutmut ends what takes too long with SIGXCPU
# With 255 pytest could not begin, as what is broken fails on import: a test fails then too.


@dataclass(frozen=True, order=True)
class Mutant:
    """A change that no test noticed; line numbers would not outlive the next change above it.

    Args:
        function: The function, with its module and class.
        before: The changed lines as they are.
        after: The changed lines as they were.
        reached: Whether a test runs the function.
    """

    function: str
    before: str
    after: str
    reached: bool = True


@dataclass(frozen=True)
class Result:
    """What became of the mutants of a target.

    Args:
        mutants: How many were tried.
        of: How many the target has: more where those that were tried are a sample.
        first: How many were noticed before tests were written for the rest of the sample.
        killed: With how many a test failed.
        timed_out: With how many the tests came to no end.
        survivors: Those that no test noticed.
        beyond: How many were left out: an earlier sample, for whose survivors tests were written.
        note: What else a reader must know of how they were tried, as a sentence.
    """

    mutants: int
    of: int
    first: int
    killed: int
    timed_out: int
    survivors: Sequence[Mutant]
    beyond: int = 0
    note: str = ""

    @property
    def share(self) -> float:
        """How many of a hundred mutants a test noticed, or never came to its end with."""
        return 100 * self.noticed / max(self.mutants, 1)

    @property
    def noticed(self) -> int:
        """How many a test noticed, or never came to its end with."""
        return self.killed + self.timed_out

    @property
    def likely(self) -> tuple[float, float] | None:
        """Where the share of all mutants is with 95 % likelihood; None where all were tried.

        It is that of the first run. A test that was written for one of the sample tells nothing of
        the mutants beside the sample. So of those that were left out it tells nothing either.
        """
        return likely_range(self.first, self.mutants) if self.mutants < self.rest else None

    def without(self, same: int) -> Result:
        """Return the result without some of the survivors: the program does the same with them."""
        return replace(self, mutants=self.mutants - same, of=self.of - same)

    @property
    def rest(self) -> int:
        """How many the target has without those that were left out."""
        return self.of - self.beyond

    def after(self, before: Result | None, *, again: bool) -> Result:
        """Return the result of a run that followed another.

        Args:
            before: The result until then, if there is one.
            again: Whether those were tried again that no test had noticed.
        """
        if before is None or before.mutants > self.mutants:
            return self
        if (before.of, before.beyond) != (self.of, self.beyond):
            return self
        new = 0 if again else self.noticed - before.noticed
        return replace(self, first=before.first + new)

    def save(self, name: str) -> None:
        """Keep it as the newest of the target of this name that leaves out as many."""
        KEPT.mkdir(exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (KEPT / f"{kept_as(name, self.beyond)}.json").write_text(text + "\n", encoding="utf-8")


def kept_as(name: str, beyond: int = 0) -> str:
    """Return under which name a target's result is kept that leaves out so many mutants."""
    return f"{name}-beyond-{beyond}" if beyond else name


def target_of(kept_name: str) -> str:
    """Return the name of the target of a result that is kept under a name."""
    return kept_name.partition("-")[0]


def kept() -> dict[str, Result]:
    """Return the newest results, by the names of `kept_as`: those of a target in their order."""
    found = {}
    for file in sorted(KEPT.glob("*.json"), key=_place_of):
        stored = json.loads(file.read_text(encoding="utf-8"))
        survivors = [Mutant(**each) for each in stored.pop("survivors")]
        found[file.stem] = Result(survivors=survivors, **stored)
    return found


def _place_of(file: Path) -> tuple[str, int]:
    name, _, beyond = file.stem.partition("-beyond-")
    return name, int(beyond or 0)


def untried(target: Target) -> list[str]:
    """Return the mutants that are to be tried and have not been, by mutmut's name."""
    return [name for _, name, code in _verdicts(target) if code is None]


def undetected(target: Target) -> list[str]:
    """Return the mutants that no test noticed, by mutmut's name."""
    return [name for _, name, code in _verdicts(target) if code in (SURVIVED, *NOT_REACHED)]


def choose(target: Target, size: int | None, beyond: int = 0) -> None:
    """Let only a sample of a target's mutants be tried and counted.

    Args:
        target: The target, whose mutants have been made.
        size: How many are tried, at most; None: all of them.
        beyond: How many are left out, as many as an earlier sample had.
    """
    if size is None:
        target.chosen.unlink(missing_ok=True)
    else:
        names = sample(((path, name) for path, name, _ in _all(target)), size, beyond)
        target.chosen.write_text("\n".join(names), encoding="utf-8")


def collect(target: Target, beyond: int = 0) -> Result:
    """Return the result that mutmut's folder holds, of the mutants that were tried.

    Args:
        target: The target.
        beyond: How many were left out when the sample was chosen.
    """
    found = [each for each in _verdicts(target) if each[2] is not None]
    survivors = sorted(
        _mutant(target, path, name, reached=code == SURVIVED)
        for path, name, code in found
        if code in (SURVIVED, *NOT_REACHED)
    )
    timed_out = sum(code in TIMED_OUT for _, _, code in found)
    killed = len(found) - len(survivors) - timed_out
    first = killed + timed_out
    of = len(list(_all(target)))
    return Result(len(found), of, first, killed, timed_out, survivors, beyond)


def _verdicts(target: Target) -> Iterator[tuple[str, str, int | None]]:
    """Yield the file, the name and the exit code of the mutants that are to be tried."""
    chosen = target.chosen.read_text("utf-8").split() if target.chosen.exists() else None
    return (each for each in _all(target) if chosen is None or each[1] in chosen)


def _all(target: Target) -> Iterator[tuple[str, str, int | None]]:
    """Yield the file, the name and the exit code of every mutant."""
    mutated = target.folder / "mutants"
    for meta in sorted(mutated.rglob("*.meta")):
        path = meta.relative_to(mutated).as_posix().removesuffix(".meta")
        if not target.breaks(path):  # any more
            continue
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        for name, code in codes.items():
            yield path, name, code


def _mutant(target: Target, path: str, name: str, *, reached: bool) -> Mutant:
    before, after = changed_lines(target, path, name)
    return Mutant(_function(name), before, after, reached)


def _function(name: str) -> str:
    """Return a function's name, from mutmut's `module.xǁClassǁname__mutmut_1`."""
    module, _, own = name.rpartition("__mutmut_")[0].rpartition(".")
    return f"{module}.{own.removeprefix('x').removeprefix('_').replace('ǁ', '.').lstrip('.')}"


def changed_lines(target: Target, path: str, name: str) -> tuple[str, str]:
    """Return the lines that a mutant changes, as they are and as it has them."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    before = Path.cwd()
    os.chdir(target.folder)  # mutmut knows no other way
    try:
        diff = get_diff_for_mutant(name, path=path).splitlines()[3:]
    finally:
        os.chdir(before)
    return _with_sign("-", diff), _with_sign("+", diff)


def _with_sign(sign: str, diff: Sequence[str]) -> str:
    return "\n".join(line[1:].strip() for line in diff if line.startswith(sign))
