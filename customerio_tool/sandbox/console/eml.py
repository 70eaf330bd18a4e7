"""A delivery as a mail file (RFC 5322)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime
from mimetypes import guess_type
from typing import Any

from ..store.store import Row

_HOST = "sandbox.invalid"  # RFC 2606: nobody has this name


def message(row: Row, content: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The bytes of a mail file, with the attached files by their names."""
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
    for name, file in files.items():
        kind, subtype = (guess_type(name)[0] or "application/octet-stream").split("/")
        if kind in ("message", "multipart"):  # what these hold would have to be parsed first
            kind, subtype = "application", "octet-stream"
        mail.add_attachment(
            file, maintype=kind, subtype=subtype, cte="base64", filename=" ".join(name.split())
        )
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
