"""The act of the demo that only an agent with the look-ups can play: it begins with an address."""

from __future__ import annotations

from customerio_tool.doors.cli.demo import repairs
from customerio_tool.doors.cli.demo.checks import Evidence
from customerio_tool.doors.cli.demo.server import same
from customerio_tool.doors.cli.demo.story import Act, Step

ADDRESS = "zoë@example.com"
LINK = "https://kiln.example/reset/7"


def _mail_fails(step: Evidence) -> None:
    """The server took the send, and its delivery failed."""
    (made,) = step.new("deliveries")
    same("the mail's metrics", sorted(made["metrics"]), ["created", "failed"])


def _zoe_is_found(step: Evidence) -> None:
    """The tool finds whom the App API finds."""
    theirs = step.server.app("/v1/customers?email=zo%C3%AB%40example.com")["results"]
    found = [(each["id"], each["email"]) for each in step.returned("customers")]
    same("people", found, [(each["id"], each["email"]) for each in theirs])


def _failure_is_seen(step: Evidence) -> None:
    """The newest activity is of the mail that failed."""
    failed = [each for each in step.after["deliveries"] if "failed" in each["metrics"]]
    seen = [each["delivery_id"] for each in step.returned("activities")]
    same("mails that failed", seen, [failed[-1]["id"]])


def _reason_is_told(step: Evidence) -> None:
    """The tool tells the reason that the server has."""
    message = step.returned("message")
    (stored,) = step.after.find("deliveries", id=message["id"])
    same("the reason", message["failure_message"], stored["failure_message"])


def _template_is_read(step: Evidence) -> None:
    """The tool lists the template that the App API lists under the name."""
    theirs = step.server.app("/v1/transactional")["messages"]
    wanted = [each["id"] for each in theirs if "password" in each["name"]]
    same("templates", [each["id"] for each in step.returned("messages")], wanted)


def _data_is_known(step: Evidence) -> None:
    """The tool says what the template reads."""
    same("what message_data must hold", step.returned("message_data"), ["link"])


def _mail_goes_out(step: Evidence) -> None:
    """The step made one delivery, which was sent with the link."""
    (made,) = step.new("deliveries")
    same("the mail's text", made["content"]["body"], f"<p>{LINK}</p>")
    same("whether it was sent", "sent" in made["metrics"], True)


FINDING = Act(
    "A mail that did not come",
    (
        Step(
            asked=f"{ADDRESS} asked for a new password.",
            subtool="send_transactional_email",
            arguments=f'{{"to": "{ADDRESS}", "customer_id": "{ADDRESS}", '
            '"transactional_message_id": "password_reset"}',
            check=_mail_fails,
            proof="taken, and then it failed",
        ),
        Step(
            asked="She says that no mail came. Why?",
            subtool="find_customers",
            arguments=f'{{"mail": "{ADDRESS}", "filter": null}}',
            repair=repairs.rename,
            check=_zoe_is_found,
            proof="found by her address",
        ),
        Step(
            subtool="list_customer_activities",
            arguments='{"customer_id": "$person", "type": "failed_email", "limit": "1"}',
            check=_failure_is_seen,
            proof="the mail that failed",
        ),
        Step(
            subtool="get_message",
            arguments='{"message_id": "$message", "include_content": null}',
            check=_reason_is_told,
            proof="the reason that the server has",
        ),
        Step(
            subtool="list_transactional_messages",
            arguments='{"name_contains": "password"}',
            check=_template_is_read,
            proof="same template",
        ),
        Step(
            subtool="get_transactional_message",
            arguments='{"transactional_id": "$template"}',
            check=_data_is_known,
            proof="it needs a link",
        ),
        Step(
            asked=f"Send it again, with {LINK}.",
            subtool="send_transactional_email",
            arguments=f'{{"to": "{ADDRESS}", "customer_id": "$person", '
            '"transactional_message_id": "$template", '
            f'"message_data": {{"link": "{LINK}"}}}}',
            check=_mail_goes_out,
            proof="sent, with the link",
        ),
    ),
)
