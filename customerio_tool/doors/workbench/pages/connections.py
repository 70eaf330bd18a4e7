"""The connections: which there are, a new one, what the test of one found, and taking it along."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench.connection_exports import exports_of
from customerio_tool.doors.workbench.exports import chosen
from customerio_tool.doors.workbench.findings import parts_of, state_of
from customerio_tool.doors.workbench.kept import KeptUnusable
from customerio_tool.doors.workbench.new_connection import Draft, drafted, title_of
from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.visit import NEW_CONNECTION, Refused, Visit, see
from customerio_tool.doors.workbench.workspaces import Workspace

PAGES = Pages()


@PAGES.get("/connections")
def connections(visit: Visit) -> Response:
    """Show all of them."""
    rows = [(each, state_of(each)) for each in visit.workspaces.all]
    return visit.page("connections", rows=rows)


@PAGES.get(NEW_CONNECTION)
def new(visit: Visit) -> Response:
    """Show the form of a new one."""
    return _form(visit, Draft())


@PAGES.post(NEW_CONNECTION)
def save(visit: Visit) -> Response:
    """Save what the form gives, and test it; or show the form again, with its problems."""
    draft = drafted(visit)
    if draft.ground is None:
        return _form(visit, draft, HTTPStatus.UNPROCESSABLE_ENTITY)
    workspace = _workspace_of(visit, draft, draft.ground)
    workspace.test()
    workspace.title = draft.title or workspace.title or title_of(workspace)
    if draft.keep and not _keep(visit, workspace):
        return see(_path(workspace), done="not_kept")
    return see(_path(workspace), done="saved")


@PAGES.get("/connections/{key}")
def connection(visit: Visit) -> Response:
    """Show one."""
    workspace = _found(visit)
    return visit.page(
        "connection",
        each=workspace,
        state=state_of(workspace),
        tested=parts_of(workspace),
        fields=_shown(workspace),
        can_keep=bool(visit.workspaces.kept and workspace.saved),
        can_forget=_can_forget(visit, workspace),
        kept_problem=visit.workspaces.kept.problem() if visit.workspaces.kept else "",
    )


@PAGES.post("/connections/{key}/test")
def test(visit: Visit) -> Response:
    """Test one again."""
    workspace = _found(visit)
    workspace.test()
    return see(_path(workspace), done="tested")


@PAGES.post("/connections/{key}/rename")
def rename(visit: Visit) -> Response:
    """Give one another name; of a blank one, its own."""
    workspace = _found(visit)
    workspace.title = title_of(workspace, visit.field("title"))
    if workspace.is_kept and not _keep(visit, workspace):
        return see(_path(workspace), done="not_kept")
    return see(_path(workspace), done="renamed")


@PAGES.post("/connections/{key}/keep")
def keep(visit: Visit) -> Response:
    """Keep one on this machine."""
    workspace = _found(visit)
    return see(_path(workspace), done="kept" if _keep(visit, workspace) else "not_kept")


@PAGES.post("/connections/{key}/unkeep")
def unkeep(visit: Visit) -> Response:
    """Remove one from the file, and know it until the workbench ends."""
    workspace = _found(visit)
    _unkeep(visit, workspace)
    return see(_path(workspace), done="unkept")


@PAGES.post("/connections/{key}/forget")
def forget(visit: Visit) -> Response:
    """Forget one, also in the file."""
    workspace = _found(visit)
    if not _can_forget(visit, workspace):
        raise Refused("This one stays: the pages need it.", HTTPStatus.CONFLICT)
    _unkeep(visit, workspace)
    visit.workspaces.remove(workspace.key)
    return see("/" if visit.field("then") == "/" else "/connections", done="forgotten")


@PAGES.get("/connections/{key}/export")
def export(visit: Visit) -> Response:
    """Show one in a form to take along."""
    workspace = _found(visit)
    forms = exports_of(workspace.ground.connection)
    form = chosen(forms, visit.query.get("as", ""))
    return visit.page("connection_export", each=workspace, forms=forms, form=form)


@PAGES.get("/connections/{key}/export/{word}")
def download(visit: Visit) -> Response:
    """Let one be saved as a file."""
    forms = exports_of(_found(visit).ground.connection)
    return chosen(forms, visit.parameters["word"]).download()


def _form(visit: Visit, draft: Draft, status: int = HTTPStatus.OK) -> Response:
    return visit.page(
        "connection_new",
        status,
        draft=draft,
        fields=connection_fields(),
        kept=visit.workspaces.kept,
    )


def _workspace_of(visit: Visit, draft: Draft, ground: Ground) -> Workspace:
    """Return the workspace of a draft: the one of an equal connection, or a new one."""
    for each in visit.workspaces.all:
        if not each.local and each.ground.connection.digest == ground.connection.digest:
            each.saved = draft.fields
            visit.workspaces.choose(each.key)
            return each
    bound = visit.workspace.bound
    return visit.workspaces.add_connection(draft.title, ground, bound, draft.fields)


def _found(visit: Visit) -> Workspace:
    try:
        return visit.workspaces.find(visit.parameters["key"])
    except KeyError:
        words = "There is no such connection any more."
        raise Refused(words, HTTPStatus.NOT_FOUND) from None


def _path(workspace: Workspace) -> str:
    return f"/connections/{workspace.key}"


def _shown(workspace: Workspace) -> list[tuple[str, str]]:
    """Return the label and the value of each field that is given; of a key, that it is hidden."""
    given = workspace.ground.connection
    return [
        (field.label, "hidden" if field.secret else str(getattr(given, key)))
        for key, field in connection_fields().items()
        if getattr(given, key) is not None
    ]


def _can_forget(visit: Visit, workspace: Workspace) -> bool:
    return workspace.local is None and len(visit.workspaces.all) > 1


def _keep(visit: Visit, workspace: Workspace) -> bool:
    """Put a connection into the file, and return whether that could be done."""
    kept = visit.workspaces.kept
    if kept is None or workspace.saved is None:
        return False
    try:
        kept.keep(workspace.key, workspace.title, workspace.saved)
    except KeptUnusable:
        return False
    workspace.is_kept = True
    return True


def _unkeep(visit: Visit, workspace: Workspace) -> None:
    """Remove a connection from the file.

    Raises:
        Refused: The file cannot be used.
    """
    if visit.workspaces.kept and workspace.is_kept:
        try:
            visit.workspaces.kept.forget(workspace.key)
        except KeptUnusable as unusable:
            raise Refused(f"It is still kept. {unusable}", HTTPStatus.CONFLICT) from None
        workspace.is_kept = False
