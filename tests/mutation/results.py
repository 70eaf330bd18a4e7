"""What became of the mutants: read from mutmut's folder, and kept as a file beside this one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.targets import Target

KEPT = Path(__file__).parent / "results"

SURVIVED, NOT_REACHED = 0, (5, 33)
TIMED_OUT = (-24, 24, 36, 152)  # mutmut ends what takes too long with SIGXCPU


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
    """What became of the mutants of a target."""

    mutants: int
    killed: int
    timed_out: int
    survivors: Sequence[Mutant]

    @property
    def share(self) -> float:
        """How many of a hundred mutants a test noticed, or never came to its end with."""
        return 100 * (self.killed + self.timed_out) / max(self.mutants, 1)

    def save(self, name: str) -> None:
        """Keep it as the newest of the target of this name."""
        KEPT.mkdir(exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (KEPT / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def kept() -> dict[str, Result]:
    """Return the newest result of every target, by name."""
    found = {}
    for file in sorted(KEPT.glob("*.json")):
        stored = json.loads(file.read_text(encoding="utf-8"))
        survivors = [Mutant(**each) for each in stored.pop("survivors")]
        found[file.stem] = Result(survivors=survivors, **stored)
    return found


def verdicts(target: Target) -> dict[str, int | None]:
    """Return how the tests of every mutant ended, by mutmut's name; None where none ran yet."""
    return {name: code for _, name, code in _verdicts(target)}


def undetected(target: Target) -> list[str]:
    """Return the mutants that no test noticed, by mutmut's name."""
    return [name for _, name, code in _verdicts(target) if code in (SURVIVED, *NOT_REACHED)]


def collect(target: Target) -> Result:
    """Return the result that mutmut's folder holds, of the mutants that were tried."""
    found = [each for each in _verdicts(target) if each[2] is not None]
    survivors = sorted(
        _mutant(target, path, name, reached=code == SURVIVED)
        for path, name, code in found
        if code in (SURVIVED, *NOT_REACHED)
    )
    timed_out = sum(code in TIMED_OUT for _, _, code in found)
    killed = len(found) - len(survivors) - timed_out
    return Result(len(found), killed, timed_out, survivors)


def _verdicts(target: Target) -> Iterator[tuple[str, str, int | None]]:
    """Yield the file, the name and the exit code of every mutant."""
    mutated = target.folder / "mutants"
    for meta in sorted(mutated.rglob("*.meta")):
        path = meta.relative_to(mutated).as_posix().removesuffix(".meta")
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
