"""What leaves a tool: each result and each error without keys and hidden characters, and cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from customerio_tool.errors import CustomerIoError, FieldProblem, Look
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.subtools.declare.results import AS_DATA
from customerio_tool.subtools.declare.vendor_json import (
    MAX_PAYLOAD_CHARS,
    MAX_RESULT_CHARS,
    Item,
    chars_of,
    clean_of_text,
    cut,
    fitting_items,
    fitting_names,
    fresh,
    objects_in,
)

_KEPT = ("ok", "summary", "outcome", "untrusted", "error")
_LIST_CHARS = 1_000
_TEXT_CHARS = 2_000
_LEVELS = 200
"""Levels of an envelope: those of a reply or of arguments, and the envelope's own."""


class Outlet:
    """Passes on the results and errors of calls, each in the form that a model may read.

    Args:
        mask: Returns a text without the keys of the connection.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask

    def result(self, envelope: Item) -> Item:
        """Return an envelope cleaned, masked, and cut to `MAX_RESULT_CHARS`."""
        text = compact(envelope)
        cleaned: Item = clean_of_text(text, envelope, _LEVELS, mask=self._mask)
        shown: Item = fresh(cleaned)
        if shown.get("untrusted"):
            shown["summary"] = f"{shown['summary']} {AS_DATA}"
        is_short = cleaned is envelope and len(text) < MAX_RESULT_CHARS - len(AS_DATA)
        return shown if is_short else within_budget(shown)

    def errors(self, *, of_read: bool = False) -> _Errors:
        """Clean, mask and cut the envelope of an error that is raised inside the `with` block.

        Args:
            of_read: Whether the call reads, so that nothing would have been sent anyway.
        """
        return _Errors(self, of_read=of_read)


class _Errors:
    def __init__(self, outlet: Outlet, *, of_read: bool) -> None:
        self._outlet = outlet
        self._of_read = of_read

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CustomerIoError):
            if self._of_read:
                error.summary = error.summary.replace("Nothing was sent", "Nothing was read", 1)
            _restate(error, self._outlet.result(error.as_result()))


def _restate(error: CustomerIoError, envelope: Item) -> None:
    """Give an error the texts of its envelope."""
    told = envelope["error"]
    error.summary = envelope["summary"]
    error.args = (error.summary,)
    error.fields = tuple(
        FieldProblem(each["path"], each.get("problem", was.problem), each["fix"])
        for each, was in zip(told.get("fields", ()), error.fields, strict=False)
    )
    error.look = Look(**told["look"]) if "look" in told else None
    if told.get("try") != error.corrected:  # cut or masked, it is another call
        error.withdraw()
    error.extra = {
        name: value for name, value in envelope.items() if name not in ("ok", "summary", "error")
    }


def within_budget(envelope: Item) -> Item:
    """Return an envelope of at most `MAX_RESULT_CHARS`, with words on what was left out.

    Lists of names and problems are cut first, then long texts. A member that would be of no use
    if it was cut, such as a cursor or a call, is left out whole.
    """
    if chars_of(envelope) <= MAX_RESULT_CHARS:
        return envelope
    left_out: list[str] = []
    for shrink in (_with_short_lists, _with_short_texts, _without_largest):
        envelope = shrink(envelope, left_out)
        if chars_of(envelope) <= MAX_RESULT_CHARS - _LIST_CHARS:
            break
    names = ", ".join(fitting_names(left_out))
    note = f"This result was too long and is cut: {names}." if names else "This result is cut."
    return {**envelope, "summary": f"{envelope['summary']} {note}", "truncated": True}


def _with_short_lists(envelope: Item, left_out: list[str]) -> Item:
    """Cut each list, and the list of problems in an error."""
    shown = dict(envelope)
    for name, value in envelope.items():
        if _is_names(value) and chars_of(value) > _LIST_CHARS:
            shown[name] = fitting_names(value, _LIST_CHARS)
            left_out.append(f"part of {name}")
        elif isinstance(value, list) and chars_of(value) > MAX_PAYLOAD_CHARS:
            shown[name] = fitting_items(objects_in(value))
            left_out.append(f"part of {name}")
    problems = envelope.get("error", {}).get("fields", [])
    if chars_of(problems) > _LIST_CHARS:
        fitting = list(_fitting_problems(problems))
        shown["error"] = {**envelope["error"], "fields": fitting}
        left_out.append("part of error.fields")
    return shown


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _fitting_problems(problems: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    room = MAX_RESULT_CHARS // 2
    for problem in problems:
        short = {name: cut(text, _LIST_CHARS) for name, text in problem.items()}
        room -= chars_of(short)
        if room < 0:
            return
        yield short


def _with_short_texts(envelope: Item, left_out: list[str]) -> Item:
    """Cut the sentences; leave out any other long text, as a part of it would be of no use."""
    shown = dict(envelope)
    for name, value in envelope.items():
        if not isinstance(value, str) or len(value) <= _TEXT_CHARS:
            continue
        if name in ("summary", "said"):
            shown[name] = cut(value, _TEXT_CHARS)
        else:
            del shown[name]
            left_out.append(name)
    return shown


def _without_largest(envelope: Item, left_out: list[str]) -> Item:
    """Leave out the largest members, and the calls in an error, until the rest fits."""
    shown = dict(envelope)
    for call in ("look", "try"):
        if call in shown.get("error", {}) and chars_of(shown["error"][call]) > _TEXT_CHARS:
            shown["error"] = {name: v for name, v in shown["error"].items() if name != call}
            left_out.append(f"error.{call}")
    largest_first = sorted(
        (name for name in shown if name not in _KEPT),
        key=lambda name: chars_of(shown[name]),
        reverse=True,
    )
    for name in largest_first:
        if chars_of(shown) <= MAX_RESULT_CHARS - _LIST_CHARS:
            break
        del shown[name]
        left_out.append(name)
    return shown
