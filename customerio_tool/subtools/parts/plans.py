"""What a call will do, and to whom, as a sentence for the person who decides whether it runs.

What the model wrote stands in quotation marks, on one line and cut: it cannot pass for ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from customerio_tool.subtools.declare import iso_time
from customerio_tool.subtools.declare.characters import visible

if TYPE_CHECKING:
    from customerio_tool.subtools.parts.broadcast import TriggerBroadcastArgs
    from customerio_tool.subtools.parts.deletion import DeleteSegmentArgs
    from customerio_tool.subtools.parts.email import SendTransactionalEmailArgs
    from customerio_tool.subtools.parts.identify import IdentifyCustomerArgs, PersonArgs
    from customerio_tool.subtools.parts.merge import MergeCustomersArgs
    from customerio_tool.subtools.parts.sending import Transactional

_MAX_QUOTED = 80


def quoted(text: object) -> str:
    """Return a text in quotation marks, on one line, and cut to 80 characters."""
    line = " ".join(visible(str(text)).replace('"', "'").split())
    return f'"{line[: _MAX_QUOTED - 1]}…"' if len(line) > _MAX_QUOTED else f'"{line}"'


def to_delete(args: PersonArgs) -> str:
    """Say what delete_customer will do."""
    return f"Delete the person {quoted(args.customer_id)} and all of their data, for good."


def to_suppress(args: PersonArgs) -> str:
    """Say what suppress_customer will do."""
    person = quoted(args.customer_id)
    return f"Delete the profile of {person} for good, and stop all messages to that identifier."


def to_merge(args: MergeCustomersArgs) -> str:
    """Say what merge_customers will do."""
    gone, stays = quoted(args.secondary_id), quoted(args.primary_id)
    return f"Merge the person {gone} into {stays}, and delete {gone} for good."


def to_identify(args: IdentifyCustomerArgs) -> str:
    """Say what identify_customer will do where it may merge."""
    others = " and ".join(f"{kind} {quoted(value)}" for kind, value in args.other_identifiers())
    given = f" and give them the {others}" if others else ""
    return f"Store attributes of the person {quoted(args.customer_id)}{given}."


def to_delete_segment(args: DeleteSegmentArgs) -> str:
    """Say what delete_segment will do."""
    name = f" {quoted(args.name)}" if args.name else ""
    return f"Delete segment {args.segment_id}{name} for good; its people stay."


_AUDIENCES: Mapping[str, Callable[[TriggerBroadcastArgs], str]] = {
    "default": lambda _: "the audience that is set in Customer.io",
    "customer_ids": lambda args: _counted(args.customer_ids or (), "the person", "people"),
    "emails": lambda args: _counted(args.emails or (), "the address", "addresses"),
    "filter": lambda _: "all people whom a filter matches",
    "per_user_data": lambda args: f"{len(args.per_user_data or ()):,} people, each with own data",
    "file": lambda args: f"all people of a file at {quoted(_host_of(args.data_file_url))}",
}


def to_trigger(args: TriggerBroadcastArgs) -> str:
    """Say what trigger_broadcast will do."""
    return f"Send broadcast {args.broadcast_id} to {_AUDIENCES[args.audience](args)}."


def to_email(args: SendTransactionalEmailArgs) -> str:
    """Say what send_transactional_email will do."""
    from customerio_tool.subtools.parts.mail import addresses

    to = _counted(addresses(args.to), "", "addresses").strip()
    copies = [one for text in (args.cc, args.bcc) if text is not None for one in addresses(text)]
    others = f" with copies to {_counted(copies, '', 'addresses').strip()}" if copies else ""
    subject = f" with the subject {quoted(args.subject)}" if args.subject else ""
    return f"{_message(args, 'e-mail')}{subject} to {to}{others}{_how(args)}."


def to_push(args: Transactional) -> str:
    """Say what send_transactional_push will do."""
    device = args.given().get("custom_device")
    to = "to a device that the call itself names" if device else "to their devices"
    return f"{_message(args, 'push notification')} {to}{_how(args)}."


def _message(args: Transactional, kind: str) -> str:
    template = args.transactional_message_id
    verb = "Keep as a draft" if args.queue_draft else "Send"
    return f"{verb} the {kind}{'' if template is None else f' of template {quoted(template)}'}"


def _how(args: Transactional) -> str:
    later = "" if args.send_at is None else f" at {iso_time(args.send_at)}"
    return f", for the person {quoted(args.customer_id)}{later}"


def _host_of(url: str | None) -> str:
    return urlsplit(url or "").netloc


def _counted(named: Collection[Any], one: str, many: str) -> str:
    """Return one name, or up to three with the count of all."""
    shown = ", ".join(quoted(each) for each in list(named)[:3])
    if len(named) == 1:
        return f"{one} {shown}"
    return f"{len(named):,} {many} ({shown}{', …' if len(named) > 3 else ''})"
