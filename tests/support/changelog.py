"""Reads a changelog in the format of Keep a Changelog, and says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_RELEASE = re.compile(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})")


def problems_of(text: str, version: str) -> list[str]:
    """Return what is wrong with a changelog, as sentences.

    Args:
        text: The changelog.
        version: The version of the package: the newest release, or the one that comes next.
    """
    before, *sections = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    titles, bodies = sections[::2], sections[1::2]
    found = [] if before.startswith("# Changelog\n") else ["It does not begin with its title."]
    if titles[:1] != ["[Unreleased]"]:
        found.append("Its first section is not Unreleased.")
    for title, body in zip(titles, bodies, strict=True):
        found += _problems_of_section(title, body)
    return found + list(_problems_of_releases(titles[1:], version))


def _problems_of_section(title: str, body: str) -> Iterator[str]:
    before, *parts = re.split(r"^### (.*)\n", body, flags=re.MULTILINE)
    kinds, entries = parts[::2], parts[1::2]
    if before.strip():
        yield f"{title}: text stands before the first kind of change."
    if not kinds and title != "[Unreleased]":  # which is empty after a release
        yield f"{title}: it is empty."
    if len(set(kinds)) < len(kinds):
        yield f"{title}: a kind of change stands there twice."
    for kind, told in zip(kinds, entries, strict=True):
        if kind not in KINDS:
            yield f"{title}: {kind} is no kind of change."
        if not told.strip():
            yield f"{title}: {kind} is empty."
        for line in told.splitlines():
            if line and not re.match(r"(?:  )*- \S|(?:  )+\S", line):
                yield f"{title}: {line!r} belongs to no entry."


def _problems_of_releases(titles: list[str], version: str) -> Iterator[str]:
    releases = []
    for title in titles:
        if read := _RELEASE.fullmatch(title):
            releases.append((_numbers(read[1]), read[2]))
        else:
            yield f"{title}: a release is written as [1.2.3] - 2026-01-31."
    for (newer, newer_day), (older, older_day) in pairwise(releases):
        if newer <= older or newer_day < older_day:
            yield f"{'.'.join(map(str, older))}: the newest release comes first."
    yield from (f"{day} is no date." for _, day in releases if not _is_date(day))
    if releases and _numbers(version) < releases[0][0]:
        yield f"The package is {version}, which is older than the newest release."


def _is_date(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
