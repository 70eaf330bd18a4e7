"""What a person filled in for a new connection: its fields, or the problem of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from customerio_tool.connection import Connection
from customerio_tool.connection.fields import connection_fields
from customerio_tool.connection.masking import SHORTEST_MASKED
from customerio_tool.doors.credentials import apis_meant
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench.pasted import connection_in
from customerio_tool.doors.workbench.visit import PASTED, Visit
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.errors import ConnectionInvalid, FieldProblem, Problem
from customerio_tool.secret import Secret

_LONGEST_TITLE = 80
_KEY_WITHIN = "It holds a key: give here what belongs here."


@dataclass(frozen=True)
class Draft:
    """A filled-in form.

    Args:
        title: The name that was given; blank if none was.
        keep: Whether the connection is to be kept on this machine.
        shown: What the form shows again: no key, nothing pasted, no field with a problem.
        problems: A sentence for each wrong field, by key; `pasted` is the box for pasting.
        problem: What is wrong with the rest, as a sentence; "" if nothing is.
        fields: The fields that were given, if all are right.
        ground: What the tools of the connection stand on; None if something is wrong.
    """

    title: str = ""
    keep: bool = False
    shown: Mapping[str, str] = field(default_factory=dict, repr=False)
    problems: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    fields: Secret[Mapping[str, str]] = field(default_factory=lambda: Secret({}))
    ground: Ground | None = field(default=None, repr=False)

    @property
    def is_opened(self) -> bool:
        """Whether a field for operators needs to be seen."""
        wrong = self.problems.keys() | {key for key, value in self.shown.items() if value}
        return any(each.operator and key in wrong for key, each in connection_fields().items())


def drafted(visit: Visit) -> Draft:
    """Return what the posted form gives."""
    typed = Secret({key: visit.field(key).strip() for key in connection_fields()})
    fields = Secret[Mapping[str, str]]({})
    problems: Mapping[str, str] = {}
    problem, ground = "", None
    try:
        fields = _together(connection_in(Secret(visit.field(PASTED))), typed)
        apis = apis_meant(fields.reveal())
        ground = Ground.of(Connection.load(fields.reveal(), apis=apis))
    except Problem as wrong:
        problems = {PASTED: f"It {wrong}."}
    except ConnectionInvalid as wrong:
        problems = {each.path: _sentence(each, fields) for each in wrong.fields}
        problem = "" if problems.keys() <= connection_fields().keys() else wrong.summary
    except (ImportError, ValueError) as wrong:  # about the stores that the environment names
        problem = str(wrong)
    title = named(visit.field("title"))
    if within := _with_keys_in({**typed.reveal(), "title": title}, typed, fields):
        problems, ground = {**problems, **dict.fromkeys(within, _KEY_WITHIN)}, None
    return Draft(
        title="" if "title" in within else title,
        keep=bool(visit.field("keep")),
        shown=_shown(typed, problems),
        problems=problems,
        problem=problem,
        fields=fields,
        ground=ground,
    )


def _with_keys_in(given: Mapping[str, str], *sources: Secret[Mapping[str, str]]) -> list[str]:
    """Return the names of the fields that are shown and hold a key of the same form.

    Args:
        given: The text of each field.
        sources: The fields of connections, with their keys.
    """
    secret = {name for name, each in connection_fields().items() if each.secret}
    keys = Secret(
        [s.reveal()[name].lower() for s in sources for name in secret & s.reveal().keys()]
    )
    return [
        name
        for name, text in given.items()
        if name not in secret
        and any(len(key) >= SHORTEST_MASKED and key in text.lower() for key in keys.reveal())
    ]


def _sentence(problem: FieldProblem, fields: Secret[Mapping[str, str]]) -> str:
    """Return what is wrong with a field, for the person who filled it in."""
    words = f"It {problem.problem}: {problem.fix}."
    declared = connection_fields().get(problem.path)
    is_key_given = declared and declared.secret and problem.path in fields.reveal()
    return f"{words} Give the key again." if is_key_given else words


def named(text: str) -> str:
    """Return a name as it is stored."""
    return " ".join(text.split())[:_LONGEST_TITLE]


def title_of(workspace: Workspace, text: str = "") -> str:
    """Return the name of a workspace: the given one, or that of what its test found."""
    number = (workspace.found or {}).get("workspace_id")
    return named(text) or (f"Workspace {number}" if number else "Connection")


def _together(
    pasted: Secret[Mapping[str, str]], typed: Secret[dict[str, str]]
) -> Secret[Mapping[str, str]]:
    """Return the fields that were filled in, and those pasted where a field was left blank."""
    filled_in = {key: value for key, value in typed.reveal().items() if value}
    return Secret({**pasted.reveal(), **filled_in})


def _shown(typed: Secret[dict[str, str]], problems: Mapping[str, str]) -> dict[str, str]:
    """Return what is shown again; a wrong field may hold a key that was put there by mistake."""
    return {
        key: typed.reveal()[key]
        for key, field in connection_fields().items()
        if not field.secret and key not in problems
    }
