"""People: their identifiers; finding, creating, suppressing and deleting them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from ..limits import check_person_id, is_int
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace
from . import timeline

IdKind = Literal["id", "email", "cio_id"]
CIO_PREFIX = "cio_"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_CIO_WORKSPACE = "d9c1"  # the start of every cio_id of this workspace
_CIO_ID = re.compile(r"[0-9a-f]{12}")
_FIRST_CIO_ID = 0xD9C106000000


@dataclass(frozen=True)
class Address:
    """One identifier of a person. The value of a cio_id has no prefix."""

    kind: IdKind
    value: str

    @property
    def key(self) -> str:
        """The value to compare: e-mail addresses ignore case (ID)."""
        return self.value.lower() if self.kind == "email" else self.value


def by_shape(ws: Workspace, text: str) -> Address:
    """Read a Track path value: a cio_id by its prefix, an e-mail by its look, else an id (T)."""
    kind = _shape(ws, text)
    if kind == "id":
        check_person_id(text)
    return address_of(kind, text)


def _shape(ws: Workspace, text: str) -> IdKind:
    """The kind of identifier that a text looks like.

    When e-mail is no identifier, an e-mail address counts as an id (UNVERIFIED): nothing else fits.
    """
    if text.startswith(CIO_PREFIX):
        return "cio_id"
    return "email" if looks_like_email(text) and ws.options.email_is_identifier else "id"


def from_path(ws: Workspace, text: str) -> Address:
    """Read the path value of a request, as ``by_shape`` does.

    Raises:
        Refused: a cio_id of another workspace (fact foreign-cio-id).
    """
    address = by_shape(ws, text)
    foreign = _CIO_ID.fullmatch(address.value) and not address.value.startswith(_CIO_WORKSPACE)
    if address.kind == "cio_id" and foreign and ws.options.foreign_cio_id == "refuse":
        raise Refused("invalid identifier")
    return address


def address_of(kind: IdKind, text: str) -> Address:
    """An identifier of a known kind; a cio_id may have its prefix or not (UNVERIFIED which)."""
    return Address(kind, text.removeprefix(CIO_PREFIX) if kind == "cio_id" else text)


def check_kind(ws: Workspace, kind: str, field: str = "") -> None:
    """Refuse a kind of identifier that this workspace does not have.

    400 is documented for App lookups (A) and UNVERIFIED for Track, merges and sends.
    """
    if kind == "phone" or (kind == "email" and not ws.options.email_is_identifier):
        message = f"{kind} is not enabled as an identifier in this workspace"
        raise Refused(message, field=field)


def identifier_text(ws: Workspace, value: Any) -> str | None:
    """An identifier in a JSON body as text; ``None`` unless it is text or an allowed integer."""
    if is_int(value) and ws.options.number_ids == "text":
        return str(value)
    return value if isinstance(value, str) else None


def looks_like_email(text: str) -> bool:
    """Whether the Track API takes a text for an e-mail address.

    T does not define the look of one: this pattern is UNVERIFIED (fact track-email-shape).
    """
    return _EMAIL.fullmatch(text) is not None


def looks_like_another_kind(ws: Workspace, address: Address) -> bool:
    """Whether the value looks like an identifier of another kind than the address says."""
    if address.kind == "email":
        return not looks_like_email(address.value)
    if address.kind == "cio_id":
        return _CIO_ID.fullmatch(address.value) is None
    return _shape(ws, address.value) != "id"


def find(ws: Workspace, address: Address) -> Row | None:
    """The person with this identifier."""
    column = {"id": "id", "email": "email_key", "cio_id": "cio_id"}[address.kind]
    return ws.store.one(f"SELECT * FROM people WHERE {column}=?", (address.key,))  # noqa: S608 - fixed


def has(person: Row, address: Address) -> bool:
    """Whether an identifier names this person; an equal one in another case does."""
    own = person[address.kind]
    return own is not None and Address(address.kind, own).key == address.key


def with_email(ws: Workspace, email: str) -> list[Row]:
    """The people with this e-mail address: several only if e-mail is no identifier."""
    key = Address("email", email).key
    return ws.store.all("SELECT * FROM people WHERE email_key=? ORDER BY pk", (key,))


def get(ws: Workspace, pk: int) -> Row:
    """The person with this row number. Raises LookupError."""
    row = ws.store.one("SELECT * FROM people WHERE pk=?", (pk,))
    if row is None:
        raise LookupError(pk)
    return row


def create(ws: Workspace, *addresses: Address) -> Row:
    """Create a person with a new cio_id and these identifiers."""
    columns: dict[str, str] = {}
    for address in addresses:
        if address.kind == "id":
            check_person_id(address.value)
            columns["id"] = address.value
        elif address.kind == "email":
            columns |= {"email": address.value, "email_key": address.key}
    pk = ws.store.insert("people", created=ws.now, **columns)
    ws.store.execute("UPDATE people SET cio_id=? WHERE pk=?", (f"{_FIRST_CIO_ID + pk:012x}", pk))
    timeline.note(ws, pk, "profile_create", {})
    return get(ws, pk)


def set_identifier(ws: Workspace, pk: int, address: Address) -> None:
    """Set an id or e-mail address that nobody else has. Raises Refused for an id over 150 bytes."""
    if address.kind == "email":
        set_email(ws, pk, address.value)
    elif address.kind == "id":
        check_person_id(address.value)
        ws.store.execute("UPDATE people SET id=? WHERE pk=?", (address.value, pk))


def set_email(ws: Workspace, pk: int, email: str | None) -> None:
    """Set or remove an e-mail address; other people may have it too."""
    key = None if email is None else Address("email", email).key
    ws.store.execute("UPDATE people SET email=?, email_key=? WHERE pk=?", (email, key, pk))


def find_or_create(ws: Workspace, address: Address, *, may_create: bool) -> Row | None:
    """Find a person, or create one if ``may_create``.

    Returns ``None`` and records why for a suppressed identifier and for a person not found.
    """
    if is_suppressed(ws, address):
        ws.fail_quietly("suppressed", address.value)
        return None
    person = find(ws, address)
    if person is None and address.kind == "cio_id":
        ws.fail_quietly("unknown cio_id", address.value)
        return None
    if person is None and may_create:
        return create(ws, address)
    if person is None:
        ws.fail_quietly("unknown person", address.value)
    return person


def is_suppressed(ws: Workspace, address: Address) -> bool:
    """Whether this identifier is suppressed."""
    sql = "SELECT 1 FROM suppressions WHERE kind=? AND value=?"
    return ws.store.one(sql, (address.kind, address.key)) is not None


def identifiers(person: Row) -> dict[str, Any]:
    """The three identifiers as the App API shows them, null when unset."""
    return {"id": person["id"], "email": person["email"], "cio_id": person["cio_id"]}


def attributes(person: Row) -> dict[str, Any]:
    """The stored attributes with their JSON types, without the identifiers."""
    found: dict[str, Any] = json.loads(person["attributes"])
    return found


def delete(ws: Workspace, address: Address) -> None:
    """Delete a person and their data; the identifiers are free at once (fact delete-frees)."""
    person = find(ws, address)
    if person is None:
        ws.fail_quietly("unknown person", address.value)
        return
    erase(ws, person["pk"])


def erase(ws: Workspace, pk: int) -> None:
    """Delete a person's rows. Their deliveries stay, and the App API shows them as forgotten."""
    for table in ("events", "timeline", "devices", "members", "relationships"):
        ws.store.execute(f"DELETE FROM {table} WHERE person=?", (pk,))  # noqa: S608 - fixed names
    ws.store.execute("UPDATE deliveries SET person=NULL WHERE person=?", (pk,))
    # The binding stays, since no other person may ever use this anonymous_id.
    ws.store.execute("UPDATE anonymous_ids SET person=NULL WHERE person=?", (pk,))
    ws.store.execute("DELETE FROM people WHERE pk=?", (pk,))


def suppress(ws: Workspace, address: Address) -> None:
    """Erase a person and block all their identifiers; an unknown identifier is blocked too."""
    person = find(ws, address)
    blocked = [address] if address.kind != "cio_id" else []
    if person is not None:
        kinds: list[IdKind] = ["id", "email"] if ws.options.email_is_identifier else ["id"]
        blocked = [address_of(kind, person[kind]) for kind in kinds if person[kind] is not None]
        erase(ws, person["pk"])
    if not blocked:
        ws.fail_quietly("unknown cio_id", address.value)
    group = 1 + (ws.store.scalar("SELECT max(grp) FROM suppressions") or 0)
    sql = "INSERT OR IGNORE INTO suppressions (kind, value, grp, at) VALUES (?,?,?,?)"
    for each in blocked:
        ws.store.execute(sql, (each.kind, each.key, group, ws.now))


def unsuppress(ws: Workspace, address: Address) -> None:
    """Free an identifier, and those blocked with it. The person's data stays erased."""
    sql = "SELECT grp FROM suppressions WHERE kind=? AND value=?"
    group = ws.store.scalar(sql, (address.kind, address.key))
    if group is None:
        ws.fail_quietly("not suppressed", address.value)
    ws.store.execute("DELETE FROM suppressions WHERE grp=?", (group,))
