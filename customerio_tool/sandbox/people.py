"""Who the people are: identifiers, finding, creating, suppressing, deleting."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from .limits import check_person_id, is_int
from .refusal import Refused
from .store import Row
from .workspace import Workspace

IdKind = Literal["id", "email", "cio_id"]
CIO_PREFIX = "cio_"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_CIO_WORKSPACE = "d9c1"  # what every cio_id of this workspace begins with
_CIO_ID = re.compile(r"[0-9a-f]{12}")
_FIRST_CIO_ID = 0xD9C106000000


@dataclass(frozen=True)
class Address:
    """One identifier of a person: its kind and its value, a cio_id without prefix."""

    kind: IdKind
    value: str

    @property
    def key(self) -> str:
        """What is compared: e-mail without case, the rest as it is (ID)."""
        return self.value.lower() if self.kind == "email" else self.value


def by_shape(ws: Workspace, text: str) -> Address:
    """Read a Track path value: ``cio_`` prefix, else looks like an e-mail, else an id (T)."""
    kind = _shape(ws, text)
    if kind == "id":
        check_person_id(text)
    return named(kind, text)


def _shape(ws: Workspace, text: str) -> IdKind:
    """The kind of identifier that a text looks like.

    Where e-mail is no identifier, what looks like one is an id: UNVERIFIED, but there is nothing
    else that it could name.
    """
    if text.startswith(CIO_PREFIX):
        return "cio_id"
    return "email" if looks_like_email(text) and ws.options.email_is_identifier else "id"


def in_path(ws: Workspace, text: str) -> Address:
    """``by_shape`` for a path of this workspace.

    Raises:
        Refused: ``invalid identifier``, for a cio_id of another workspace (fact foreign-cio-id).
    """
    address = by_shape(ws, text)
    foreign = _CIO_ID.fullmatch(address.value) and not address.value.startswith(_CIO_WORKSPACE)
    if address.kind == "cio_id" and foreign and ws.options.foreign_cio_id == "refuse":
        raise Refused("invalid identifier")
    return address


def named(kind: IdKind, text: str) -> Address:
    """An identifier whose kind was named; a cio_id is taken bare or prefixed (UNVERIFIED which)."""
    return Address(kind, text.removeprefix(CIO_PREFIX) if kind == "cio_id" else text)


def check_kind(ws: Workspace, kind: str, field: str = "") -> None:
    """Refuse a kind of identifier that this workspace does not have.

    That App lookups answer 400 is documented (A); that Track, merges and sends do the
    same is UNVERIFIED.
    """
    if kind == "phone" or (kind == "email" and not ws.options.email_is_identifier):
        message = f"{kind} is not enabled as an identifier in this workspace"
        raise Refused(message, field=field)


def given(ws: Workspace, value: Any) -> str | None:
    """An identifier in a JSON body: text, a whole number where that is taken, else ``None``."""
    if is_int(value) and ws.options.number_ids == "text":
        return str(value)
    return value if isinstance(value, str) else None


def looks_like_email(text: str) -> bool:
    """Whether a text is what the Track API takes for an e-mail address.

    T says no more than that it looks like one: what does is UNVERIFIED (fact track-email-shape).
    """
    return _EMAIL.fullmatch(text) is not None


def is_of_another_kind(ws: Workspace, address: Address) -> bool:
    """Whether a value named as one kind of identifier has the look of another."""
    if address.kind == "email":
        return not looks_like_email(address.value)
    if address.kind == "cio_id":
        return _CIO_ID.fullmatch(address.value) is None
    return _shape(ws, address.value) != "id"


def find(ws: Workspace, address: Address) -> Row | None:
    """The person who has this identifier."""
    column = {"id": "id", "email": "email_key", "cio_id": "cio_id"}[address.kind]
    return ws.store.one(f"SELECT * FROM people WHERE {column}=?", (address.key,))  # noqa: S608 - fixed


def with_email(ws: Workspace, email: str) -> list[Row]:
    """Everybody with this e-mail address: several where it is no identifier."""
    key = Address("email", email).key
    return ws.store.all("SELECT * FROM people WHERE email_key=? ORDER BY pk", (key,))


def get(ws: Workspace, pk: int) -> Row:
    """The person by row number, who must exist."""
    row = ws.store.one("SELECT * FROM people WHERE pk=?", (pk,))
    if row is None:
        raise LookupError(pk)
    return row


def create(ws: Workspace, *addresses: Address) -> Row:
    """A new person with a fresh cio_id and these identifiers."""
    pk = ws.store.insert("people", created=ws.now)
    ws.store.execute("UPDATE people SET cio_id=? WHERE pk=?", (f"{_FIRST_CIO_ID + pk:012x}", pk))
    for address in addresses:
        give(ws, pk, address)
    return get(ws, pk)


def give(ws: Workspace, pk: int, address: Address) -> None:
    """Set an identifier that nobody else has. Raises Refused for an id over 150 bytes."""
    if address.kind == "email":
        set_email(ws, pk, address.value)
    elif address.kind == "id":
        check_person_id(address.value)
        ws.store.execute("UPDATE people SET id=? WHERE pk=?", (address.value, pk))


def set_email(ws: Workspace, pk: int, email: str | None) -> None:
    """Set or remove an e-mail address, whoever else has it."""
    key = None if email is None else Address("email", email).key
    ws.store.execute("UPDATE people SET email=?, email_key=? WHERE pk=?", (email, key, pk))


def find_or_create(ws: Workspace, address: Address, *, may_create: bool) -> Row | None:
    """The person, made when allowed; ``None`` when there is none, which is recorded.

    A suppressed identifier gives ``None`` as well: all calls for it are without effect.
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
    """Whether this identifier is blocked."""
    sql = "SELECT 1 FROM suppressions WHERE kind=? AND value=?"
    return ws.store.one(sql, (address.kind, address.key)) is not None


def identifiers(person: Row) -> dict[str, Any]:
    """The three identifiers as the App API shows them, null when unset."""
    return {"id": person["id"], "email": person["email"], "cio_id": person["cio_id"]}


def attributes(person: Row) -> dict[str, Any]:
    """The stored attributes with their JSON types, identifiers not among them."""
    found: dict[str, Any] = json.loads(person["attributes"])
    return found


def delete(ws: Workspace, address: Address) -> None:
    """Remove the person and all their data; identifiers are free at once (fact delete-frees)."""
    person = find(ws, address)
    if person is None:
        ws.fail_quietly("unknown person", address.value)
        return
    erase(ws, person["pk"])


def erase(ws: Workspace, pk: int) -> None:
    """Drop a person's row and every row that hangs on it; deliveries stay, forgotten."""
    for table in ("events", "devices", "members", "relationships"):
        ws.store.execute(f"DELETE FROM {table} WHERE person=?", (pk,))  # noqa: S608 - fixed names
    ws.store.execute("UPDATE deliveries SET person=NULL WHERE person=?", (pk,))
    # An anonymous_id is not reusable, so the binding outlives the person.
    ws.store.execute("UPDATE anonymous_ids SET person=NULL WHERE person=?", (pk,))
    ws.store.execute("DELETE FROM people WHERE pk=?", (pk,))


def suppress(ws: Workspace, address: Address) -> None:
    """Erase the person and block all their identifiers; an unknown one is blocked as well."""
    person = find(ws, address)
    blocked = [address] if address.kind != "cio_id" else []
    if person is not None:
        kinds: list[IdKind] = ["id", "email"] if ws.options.email_is_identifier else ["id"]
        blocked = [named(kind, person[kind]) for kind in kinds if person[kind] is not None]
        erase(ws, person["pk"])
    if not blocked:
        ws.fail_quietly("unknown cio_id", address.value)
    group = 1 + (ws.store.scalar("SELECT max(grp) FROM suppressions") or 0)
    sql = "INSERT OR IGNORE INTO suppressions (kind, value, grp, at) VALUES (?,?,?,?)"
    for each in blocked:
        ws.store.execute(sql, (each.kind, each.key, group, ws.now))


def unsuppress(ws: Workspace, address: Address) -> None:
    """Free the identifier and those blocked together with it; the profile does not come back."""
    sql = "SELECT grp FROM suppressions WHERE kind=? AND value=?"
    group = ws.store.scalar(sql, (address.kind, address.key))
    if group is None:
        ws.fail_quietly("not suppressed", address.value)
    ws.store.execute("DELETE FROM suppressions WHERE grp=?", (group,))
