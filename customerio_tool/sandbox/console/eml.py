"""A delivery as a mail file (RFC 5322)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime
from typing import Any

from ..store.store import Row

_HOST = "sandbox.invalid"  # RFC 2606: nobody has this name


def message(row: Row, content: Mapping[str, Any]) -> bytes:
    """The bytes of a mail file. Attachments are left out: the sandbox keeps only their sizes."""
    mail = EmailMessage(policy=SMTPUTF8)
    wanted = {
        "From": content.get("from"),
        "To": row["recipient"],
        "Cc": content.get("cc"),
        "Bcc": content.get("bcc"),
        "Reply-To": content.get("reply_to"),
        "Subject": row["subject"],
    }
    for name, value in wanted.items():
        if value:
            _set(mail, name, str(value))
    mail["Date"] = format_datetime(datetime.fromtimestamp(row["created"], timezone.utc))
    mail["Message-ID"] = f"<{row['id'].rstrip('=')}@{_HOST}>"
    plain, html = content.get("body_plain"), content.get("body")
    mail.set_content(str(plain or ""), cte="base64")
    if html:
        mail.add_alternative(str(html), subtype="html", cte="base64")
    return mail.as_bytes()


def _set(mail: EmailMessage, name: str, value: str) -> None:
    """Set a header in one line. What cannot be one, such as a broken address, stands beside it."""
    line = " ".join(value.split())
    try:
        mail[name] = line
        mail.as_bytes()
    except (
        ValueError,
        LookupError,
        AttributeError,
        IndexError,
        TypeError,
    ):  # of email.headerregistry
        del mail[name]
        mail[f"X-Sandbox-{name}"] = line.encode("ascii", "backslashreplace").decode()
