"""Deliveries: their state, the message as it was sent, its file, and the counts of a campaign."""

from __future__ import annotations

import base64
import email
import email.policy
import subprocess
from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from tests.sandbox.console.browser import ATTACK, RTL, get, visit
from tests.support.sandbox_api import NOW, Api

POLICY = email.policy.default
MAIL = {
    "to": '"Ada, A." <ada@example.com>',
    "from": "shop@example.com",
    "subject": "Grüße",
    "body": "<p>Hallo</p>",
    "body_plain": "Hallo",
    "identifiers": {"id": "u1"},
    "message_data": {"order": {"n": 42}},
}


def send(api: Api, **fields: Any) -> str:
    """Send an e-mail; returns the path of its page."""
    answer = api.app("POST", "/v1/send/email", {**MAIL, **fields})
    assert answer.status_code == 200, answer.text
    return f"/console/deliveries/{answer.json()['delivery_id']}"


def test_a_delivery_shows_its_message_and_the_data_used(api: Api) -> None:
    path = send(api)
    page = visit(api, path)
    assert page.all("iframe") == [
        {
            "class": "mail",
            "sandbox": "",
            "title": "The HTML of the message",
            "src": f"{path}/html",
        }
    ]
    assert '"n": 42' in page.words
    assert "Hallo" in page.words
    assert "shop@example.com" in page.words


def test_a_delivery_shows_what_its_templates_became(api: Api) -> None:
    page = visit(api, send(api, subject="Order {{trigger.order.n}}"))
    assert "Order 42" in page.words
    assert '"subject": "Order {{trigger.order.n}}"' in page.words
    assert "before Liquid" not in visit(api, send(api)).words


def test_a_delivery_that_was_not_rendered_shows_why(api: Api) -> None:
    page = visit(api, send(api, subject="Order {{trigger.number}}"))
    assert "subject: Variable 'trigger.number' is missing" in page.words
    assert "failed" in page.words.split()
    reason = "Liquid cannot be rendered: the delivery fails"
    assert reason in visit(api, "/console/requests/1").words


@pytest.mark.parametrize(
    "body", [ATTACK, "<meta http-equiv=refresh content='0;url=//evil'>", "\x00"]
)
def test_the_html_of_a_message_can_do_nothing(api: Api, body: str) -> None:
    answer = get(api, f"{send(api, body=body)}/html")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert answer.content.decode() == body
    assert "sandbox" in policy, "no script, no form, no origin"
    assert {"default-src 'none'", "form-action 'none'", "frame-ancestors 'self'"} <= set(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_mail_file_holds_what_was_sent(api: Api) -> None:
    path = send(api, cc="b@example.com", reply_to="help@example.com")
    answer = get(api, f"{path}/eml")
    assert answer.headers["Content-Type"] == "message/rfc822"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="')
    mail: Any = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert (mail["To"], mail["Subject"]) == (MAIL["to"], "Grüße")
    assert (mail["Cc"], mail["Reply-To"]) == ("b@example.com", "help@example.com")
    assert mail.get_body(("html",)).get_content().strip() == "<p>Hallo</p>"
    assert mail.get_body(("plain",)).get_content().strip() == "Hallo"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bill.pdf", "application/pdf"),
        ("Grüße 1.txt", "text/plain"),
        ("no ending", "application/octet-stream"),
        ("mail.eml", "application/octet-stream"),
    ],
)
def test_a_mail_file_holds_the_attachments(api: Api, name: str, kind: str) -> None:
    content = bytes(range(256)) * 4
    path = send(api, attachments={name: base64.b64encode(content).decode(), "b.txt": "Yg=="})
    mail: Any = email.message_from_bytes(get(api, f"{path}/eml").content, policy=POLICY)
    first, second = mail.iter_attachments()
    assert (first.get_filename(), first.get_content_type()) == (name, kind)
    assert first.get_payload(decode=True) == content
    assert second.get_payload(decode=True) == b"b"
    assert mail.get_body(("plain",)).get_content().strip() == "Hallo"


@pytest.mark.parametrize("name", ["a\r\nBcc: x@evil.example", '"; filename="b.txt', "é" * 300, " "])
def test_no_name_of_an_attachment_adds_a_header_to_a_mail_file(api: Api, name: str) -> None:
    answer = get(api, f"{send(api, attachments={name: 'YQ=='})}/eml")
    mail: Any = email.message_from_bytes(answer.content, policy=POLICY)
    assert answer.status_code == 200
    assert mail["Bcc"] is None
    [attached] = mail.iter_attachments()
    assert attached.get_payload(decode=True) == b"a"


def test_deliveries_are_listed_by_their_time(api: Api) -> None:
    sandbox = api.sandbox
    late = send(api, subject="late")
    sandbox.clock.set(NOW - 3600)
    early = send(api, subject="early")
    for page in ("/console/deliveries", "/"):
        links = [each for each in visit(api, page).links if each in (late, early)]
        assert links == [late, early], page


def test_every_delivery_is_on_one_page_of_the_list(api: Api) -> None:
    for number in range(45):
        api.sandbox.clock.set(NOW - number % 7)
        send(api, subject=f"n{number}", identifiers={"id": "u6"})
    cio_id = api.known("u6")["cio_id"]
    path, seen = f"/console/deliveries?person={cio_id}", []
    while path:
        page = visit(api, path)
        seen += [word for word in page.words.split() if word.startswith("n") and word[1:].isdigit()]
        path = next((each for each in page.links if "before=" in each), "")
        path = path if path.startswith("/") else f"/console/deliveries{path}" if path else ""
    assert sorted(seen, key=lambda word: int(word[1:])) == [f"n{number}" for number in range(45)]
    assert visit(api, "/console/deliveries?before=nonsense").status == 200


@pytest.mark.parametrize(
    "subject", [f"a{chr(13)}{chr(10)}Bcc: x@evil.example", ATTACK, RTL, "é" * 900]
)
def test_no_subject_adds_a_header_to_a_mail_file(api: Api, subject: str) -> None:
    answer = get(api, f"{send(api, subject=subject, **{'from': 'Zoë <zoë@exämple.com>'})}/eml")
    mail: Any = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert answer.status_code == 200
    assert mail["Bcc"] is None
    assert " ".join(str(mail["Subject"]).split()) == " ".join(subject.split())


def test_only_an_email_is_a_mail_file(api: Api) -> None:
    api.track("PUT", "/api/v1/customers/u1/devices", {"device": {"id": "t", "platform": "ios"}})
    push = {
        "transactional_message_id": 5,
        "identifiers": {"id": "u1"},
        "title": "t",
        "message": "m",
    }
    sandbox = api.sandbox
    sandbox.seed({"templates": [{"name": "alert", "channel": "push", "content": {"title": "t"}}]})
    push["transactional_message_id"] = "alert"
    path = f"/console/deliveries/{api.app('POST', '/v1/send/push', push).json()['delivery_id']}"
    assert get(api, f"{path}/eml").status_code == 404
    page = visit(api, path)
    assert not page.all("iframe")
    assert f"{path}/eml" not in page.links


@pytest.mark.parametrize(
    ("fields", "seconds", "state"),
    [
        ({}, 0, "sent"),
        ({}, 10, "delivered"),
        ({"send_at": 1_800_000_100}, 0, "scheduled"),
        ({"queue_draft": True}, 10, "drafted"),
        ({"identifiers": {"id": "u5"}, "send_to_unsubscribed": False}, 10, "undeliverable"),
    ],
)
def test_the_state_of_a_delivery_is_in_one_word(
    api: Api, fields: dict[str, Any], seconds: int, state: str
) -> None:
    path = send(api, **fields)
    api.sandbox.clock.advance(seconds)
    page = visit(api, path)
    assert state in page.words.split()


def test_a_delivery_to_somebody_deleted_stays_readable(api: Api) -> None:
    path = send(api)
    api.accept("DELETE", "/api/v1/customers/u1")
    page = visit(api, path)
    assert page.status == 200
    assert "(deleted)" in page.words


@pytest.mark.parametrize("number", [12, 13, 30])
def test_the_bars_count_what_the_app_api_counts(number: int) -> None:
    with Sandbox() as sandbox:
        api = Api(sandbox)
        kind = "broadcasts" if number == 30 else "campaigns"
        for _ in range(2):  # also of what was recorded since
            series = api.get(f"/v1/{kind}/{number}/metrics", period="months", steps=12)
            expected = {name: sum(each) for name, each in series["metric"]["series"].items()}
            page = visit(api, f"/console/{kind}/{number}")
            words = page.words.split()
            for name, count in expected.items():
                if count:
                    assert words[words.index(name) + 1] == f"{count:,}", name
            api.event("u3", "signed_up")
            api.app("POST", "/v1/campaigns/30/triggers", {})


def test_what_is_to_come_is_not_counted_yet(api: Api) -> None:
    before = visit(api, "/console/campaigns/12").words.split()
    api.event("u3", "signed_up")
    after = visit(api, "/console/campaigns/12").words.split()
    count = [int(words[words.index("delivered") + 1]) for words in (before, after)]
    assert count[0] == count[1]
    api.sandbox.clock.advance(5)
    later = visit(api, "/console/campaigns/12").words.split()
    assert int(later[later.index("delivered") + 1]) == count[0] + 1


def curl(api: Api, number: int) -> str:
    page = visit(api, f"/console/requests/{number}")
    start = page.words.index("curl -g")
    return page.words[start : page.words.index("Copy as curl")].strip()


@pytest.mark.parametrize(
    "value", ["plain", "it's", '"$HOME" `id` \\', "a\nb", RTL, "用户", "@file"]
)
def test_a_curl_line_sends_the_same_again_and_holds_no_key(api: Api, value: str) -> None:
    api.track("PUT", "/api/v1/customers/a%2Fb?x=1&y=%20", {"plan": value})
    line = curl(api, 1)
    assert api.sandbox.track_api_key not in line
    keys = {
        "CUSTOMERIO_SITE_ID": api.sandbox.site_id,
        "CUSTOMERIO_TRACK_API_KEY": api.sandbox.track_api_key,
        "NO_PROXY": "127.0.0.1",
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
    }
    subprocess.run(["bash", "-c", f"{line} -s --fail"], env=keys, check=True, capture_output=True)
    first, second = api.sandbox.requests()
    same = ("method", "path", "query", "json", "status", "api")
    assert {name: first[name] for name in same} == {name: second[name] for name in same}


def test_a_request_says_why_it_had_no_effect(api: Api) -> None:
    api.accept("PUT", "/api/v1/customers/nobody", {"_update": True})
    page = visit(api, "/console/requests/1")
    assert "It answered 200 and had no effect, or only part of it: _update on nobody" in page.words
    assert "_update on nobody" in visit(api, "/console/requests?quiet=1").words
    assert "_update on nobody" in visit(api, "/console/requests?operation=identify").words
    assert "_update on nobody" not in visit(api, "/console/requests?operation=track").words


def test_coverage_names_what_is_served_and_what_was_asked_in_vain(api: Api) -> None:
    api.app("GET", "/v1/newsletters")
    page = visit(api, "/console/coverage")
    assert "/v1/newsletters" in page.words
    for route in api.sandbox.application.router.served():
        assert f"/{'/'.join(route.segments)}" in page.words


def test_options_show_which_are_switched(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    page = visit(api, "/console/options")
    assert page.words.count("switched") == 1
    assert page.words.index("delay_seconds") < page.words.index("region")
    assert api.sandbox.track_api_key not in page.words
