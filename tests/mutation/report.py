"""The report of the newest results: `report.md` beside this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from tests.mutation.arguments import Argument, argument_for
from tests.mutation.results import Mutant, Result, target_of
from tests.mutation.targets import MUST, Target

PAGE = Path(__file__).parent / "report.md"
_HEAD = """\
# Mutants

What the tests notice when the code is broken on purpose, one place at a time. A mutant is *killed*
where a test fails; it *timed out* where the tests came to no end, and that counts as noticed. Each
survivor has an argument, from `arguments.yaml`. `nox -s mutants -- report` writes this page.

Where a target has too many mutants for a day, a random sample was tried. Then a range tells where
the share of all its mutants is with 95 % likelihood (Wilson's interval). That range is of the first
run: the tests that were then written for survivors of the sample may miss other mutants. A sample
*beyond* others leaves out those for whose survivors tests had been written before it; so its first
run tells what the tests notice of mutants for which nobody had written a test. The last column
leaves out the survivors that do not differ, as their arguments say: no test can notice them.

| Target | Tried | Killed | Timed out | Survived | Noticed | Of all, first run | Of what differs |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def markdown(
    results: Mapping[str, Result],
    known: Sequence[Argument],
    declared: Mapping[str, Target] = MappingProxyType({}),
) -> str:
    """Return the page.

    Args:
        results: The newest results of each target that was run, by the names of `kept_as`.
        known: The arguments.
        declared: The targets; the page also names those that were never run.
    """
    rows = "".join(_row(name, each, known) for name, each in results.items())
    run = {name: [r for kept, r in results.items() if target_of(kept) == name] for name in declared}
    rows += "".join(f"| {name} | not run | | | | | | |\n" for name in declared if not run[name])
    notes = [note for name, each in declared.items() for note in _notes(each, run[name])]
    parts = [_section(name, each, known) for name, each in results.items() if each.survivors]
    return "\n".join([_HEAD + rows, *notes, *parts])


def unargued(results: Mapping[str, Result], known: Sequence[Argument]) -> list[Mutant]:
    """Return the survivors that have no argument."""
    return [
        mutant
        for each in results.values()
        for mutant in each.survivors
        if argument_for(mutant, known) is None
    ]


def _notes(target: Target, results: Sequence[Result]) -> Iterator[str]:
    if target.unbroken:
        files = ", ".join(f"`{each}`" for each in target.unbroken)
        yield f"Of {target.name}, {files} was not broken.\n"
    yield from (f"Of {target.name}: {each.note}\n" for each in results if each.note)
    if results and all(each.likely and each.likely[0] < MUST for each in results):
        yield (
            f"Of {target.name}, the sample does not show that tests notice {MUST:.0f} % of all "
            "mutants; only a run of all of them, or a larger sample, can.\n"
        )
    if any(each.share < MUST for each in results):
        yield (
            f"Of {target.name}, tests notice less than the {MUST:.0f} % that are wanted. They must "
            f"notice {target.least:g} %.\n"
        )


def _row(name: str, result: Result, known: Sequence[Argument]) -> str:
    counts = (result.killed, result.timed_out, len(result.survivors))
    numbers = " | ".join(f"{count:,}" for count in counts)
    tried = f"all {result.mutants:,}"
    if result.beyond:
        tried = f"all {result.mutants:,} beyond {result.beyond:,} of {result.of:,}"
    if result.likely:
        beyond = f"beyond {result.beyond:,} " if result.beyond else ""
        tried = f"a sample of {result.mutants:,} {beyond}of {result.of:,}"
    found = [argument_for(mutant, known) for mutant in result.survivors]
    same = sum(argument.is_same for argument in found if argument)
    shares = [f"{result.share:.1f} %", _share(result), _share(result.without(same))]
    return f"| {target_of(name)} | {tried} | {numbers} | {' | '.join(shares)} |\n"


def _share(result: Result) -> str:
    """Return what the first run tells of all mutants."""
    if result.likely is None:
        return f"{result.share:.1f} %"
    return f"{result.likely[0]:.1f} to {result.likely[1]:.1f} %"


def _section(name: str, result: Result, known: Sequence[Argument]) -> str:
    functions = groupby(result.survivors, key=lambda mutant: mutant.function)
    lines = [line for function, them in functions for line in _function(function, them, known)]
    beyond = f", beyond {result.beyond:,}" if result.beyond else ""
    return "\n".join([f"## {target_of(name)}{beyond}\n", *lines])


def _function(name: str, them: Iterator[Mutant], known: Sequence[Argument]) -> Iterator[str]:
    yield f"### `{name}`\n"
    for mutant in them:
        argument = argument_for(mutant, known)
        yield f"```diff\n{diff(mutant)}\n```\n"
        yield f"{argument.why if argument else '**No argument yet.**'}\n"


def diff(mutant: Mutant) -> str:
    """Return the change of a mutant, as `diff` shows one."""
    signed = [("-", mutant.before), ("+", mutant.after)]
    return "\n".join(f"{sign} {line}" for sign, text in signed for line in text.splitlines())
