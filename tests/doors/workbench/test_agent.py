"""The page Agent: a model behind an endpoint calls the enabled subtools, and is kept in bounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from customerio_tool import Policy
from customerio_tool.doors.workbench.agent import talk
from customerio_tool.doors.workbench.agent.endpoint import Endpoint, EndpointFailed, EndpointInvalid
from customerio_tool.doors.workbench.agent.script import STEPS
from customerio_tool.sandbox import Sandbox
from customerio_tool.secret import Secret
from tests.support.endpoint import (
    KEY,
    MODEL,
    Answer,
    PlayedEndpoint,
    calls,
    endpoint,
    says,
    sends,
)
from tests.support.loopback import nobody_listening
from tests.support.pages import Page
from tests.support.timeouts import PATIENCE
from tests.support.workbench import Bench, workbench

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@contextmanager
def assisted(
    sandbox: Sandbox, *answers: Answer, policy: Policy | None = None
) -> Iterator[tuple[Bench, PlayedEndpoint]]:
    """Serve a workbench whose assistant an endpoint plays."""
    with endpoint(*answers) as played, workbench(sandbox, policy, played.environ) as bench:
        yield bench, played


def say(bench: Bench, words: str = "Do it.") -> Page:
    """Say something, and return the page when the assistant has answered."""
    page = bench.post("/agent/say", {"words": words, "workspace": bench.workspace.key})
    assert page.status == 200, page.words
    rest(bench)
    return bench.get("/agent")


def rest(bench: Bench) -> None:
    """Wait until the assistant has answered."""
    worker = bench.workspace.talk._worker
    if worker is not None:
        worker.join(PATIENCE)
    assert not bench.workspace.talk.is_at_work


# --- What it does


def test_the_assistant_calls_a_subtool_and_answers(sandbox: Sandbox) -> None:
    answers = [calls(("get_customer_attributes", {"customer_id": "u1"})), says("That is Ada.")]
    with assisted(sandbox, *answers) as (bench, played):
        page = say(bench, "Who is u1?")
        run = bench.workspace.talk.run_id
        ended = bench.workspace.recent.calls()[0].start
    for words in ("Who is u1?", "get_customer_attributes", "That is Ada."):
        assert words in page.words
    assert [each["role"] for each in played.told()] == ["user", "assistant", "tool"]
    assert '"ok": true' in played.told()[-1]["content"]
    assert (ended.run_id, ended.door) == (run, "workbench")


def test_the_endpoint_is_given_the_enabled_subtools_alone(sandbox: Sandbox) -> None:
    policy = Policy(enabled=["list_campaigns", "get_campaign"])
    answers = [calls(("delete_customer", {"customer_id": "u1"})), says("It is not allowed.")]
    with assisted(sandbox, *answers, policy=policy) as (bench, played):
        page = say(bench)
    offered = [each["function"]["name"] for each in played.bodies[0]["tools"]]
    assert sorted(offered) == ["get_campaign", "list_campaigns"]
    assert all(each["type"] == "function" for each in played.bodies[0]["tools"])
    assert "subtool_disabled" in page.words
    assert any(each["id"] == "u1" for each in sandbox.state()["people"])


def test_the_page_says_what_goes_where_before_the_first_message(sandbox: Sandbox) -> None:
    with assisted(sandbox, says("Hello.")) as (bench, played):
        words = bench.get("/agent").words
    assert played.bodies == []
    assert played.url.split("/")[2] in words
    assert MODEL in words
    assert "Keys of Customer.io do not go there." in words


def test_a_call_that_waits_is_decided_by_the_person_and_then_told(sandbox: Sandbox) -> None:
    answers = [
        calls(("delete_customer", {"customer_id": "u1"})),
        says("It waits for you."),
        says("It is done."),
    ]
    with assisted(sandbox, *answers, policy=Policy.careful()) as (bench, played):
        page = say(bench, "Delete u1.")
        (link,) = [each for each in page.links if each.startswith("/approvals/")]
        assert any(each["id"] == "u1" for each in sandbox.state()["people"])
        bench.post(link, {"choice": "approve", "workspace": bench.workspace.key})
        assert "Tell the assistant what you decided" in bench.get("/agent").response.text
        page = say(bench, "")
        assert "Tell the assistant" not in page.response.text
    assert "You approved this call, and it ran once." in page.words
    assert "It is done." in page.words
    assert played.told()[-1]["content"].startswith("(A person decided about the waiting call of")


def test_a_new_conversation_forgets_the_one_before(sandbox: Sandbox) -> None:
    with assisted(sandbox, says("Yes.")) as (bench, played):
        say(bench, "first words")
        bench.post("/agent/anew")
        assert "first words" not in bench.get("/agent").words
        say(bench, "second words")
    assert [each["content"] for each in played.told()] == ["second words"]


# --- What it cannot do


def test_a_model_that_calls_and_calls_is_stopped(sandbox: Sandbox) -> None:
    with assisted(sandbox, calls(("list_campaigns", {}))) as (bench, played):
        page = say(bench)
        assert f"for {talk.MOST_ROUNDS} rounds without an answer" in page.words
        assert len(played.bodies) == talk.MOST_ROUNDS
        played.answers[:] = [says("Enough.")]
        assert "Enough." in say(bench, "Stop that.").words, "the person may go on"


def test_words_of_a_model_stay_words(sandbox: Sandbox) -> None:
    answers = [calls((ATTACK, ATTACK), words=ATTACK), says(f"{ATTACK}\u202e")]
    with assisted(sandbox, *answers) as (bench, _):
        page = say(bench, ATTACK)
    assert (page.script, page.all("img")) == ("", [])
    assert page.words.count("<script>alert(1)</script>") >= 4
    assert "\u202e" not in page.response.text


def test_what_is_switched_off_while_the_assistant_works_is_off(sandbox: Sandbox) -> None:
    def narrows(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        bench.workspace.policy = Policy(enabled=["list_campaigns"])
        calls(("delete_customer", {"customer_id": "u1"}))(handler, body)

    with assisted(sandbox, narrows, says("It is off."), policy=Policy.open()) as (bench, played):
        page = say(bench)
    assert "subtool_disabled" in page.words
    assert [each["function"]["name"] for each in played.bodies[1]["tools"]] == ["list_campaigns"]
    assert any(each["id"] == "u1" for each in sandbox.state()["people"])


def test_half_of_a_surrogate_pair_of_a_model_breaks_no_page(sandbox: Sandbox) -> None:
    answers = [calls(("no\ud800", '{"a": "\ud800"}'), words="so \ud800"), says("Well \udfff.")]
    with assisted(sandbox, *answers) as (bench, _):
        page = say(bench)
    assert page.status == 200
    assert "so U+D800" in page.words


def test_an_endpoint_that_repeats_its_key_shows_it_on_no_page(sandbox: Sandbox) -> None:
    answers = [calls((KEY, {"a": f"x{KEY}"}), words=f"Bearer {KEY}"), says(f"It is {KEY}.")]
    with assisted(sandbox, *answers) as (bench, played):
        pages = [say(bench), bench.get("/calls"), bench.get("/")]
        assert all(KEY not in each.response.text for each in pages)
    assert "It is ***." in pages[0].words
    assert KEY not in str(played.bodies)


def test_the_key_of_the_endpoint_is_sent_to_it_and_shown_nowhere(sandbox: Sandbox) -> None:
    told = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    with assisted(sandbox, says("Hello."), sends(told, 401)) as (bench, played):
        pages = [say(bench), say(bench), bench.get("/calls")]
        shown = repr(Endpoint.from_env(played.environ))
    assert played.keys == [f"Bearer {KEY}"] * 2
    assert all(KEY not in each.response.text for each in pages)
    assert (KEY in shown, "refused the key" in pages[1].words) == (False, True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sends({}, 401), "refused the key in OPENAI_API_KEY (HTTP 401)"),
        (sends({}, 404), "knows no such address or model"),
        (sends({}, 429, Retry_After="7"), "Try again in 7 seconds."),
        (sends({}, 429, Retry_After="<b>"), "Try again later."),
        (sends({}, 400), "refused the conversation (HTTP 400)"),
        (sends({}, 500), "failed (HTTP 500)"),
        (sends({}, 302, Location="http://127.0.0.1:9/"), "points elsewhere (HTTP 302)"),
        (sends(b"<html>no JSON</html>"), "something else than a reply"),
        (sends({"choices": []}), "something else than a reply"),
        (sends({"choices": [{"message": {"content": 5}}]}), "something else than a reply"),
        (sends(b"[" * 100_000), "something else than a reply"),
        (sends({"choices": [{"message": {"content": None}}]}), "said nothing and called nothing"),
        (calls(*[("list_campaigns", "{}")] * 30), "more than 20 calls at once"),
        (says("x" * 3_000_000), "something else than a reply"),
    ],
)
def test_what_an_endpoint_does_wrong_is_told_plainly(answer: Answer, words: str) -> None:
    with endpoint(answer) as played:
        found = Endpoint.from_env(played.environ)
        assert found is not None
        with pytest.raises(EndpointFailed) as failed:
            found.reply([], [], lambda: False)
    assert words in str(failed.value)


def test_an_endpoint_that_is_gone_is_told_and_the_conversation_goes_on(sandbox: Sandbox) -> None:
    with nobody_listening() as url:
        environ = {"OPENAI_BASE_URL": url, "OPENAI_MODEL": MODEL}
        with workbench(sandbox, None, environ) as bench:
            assert "cannot be reached" in say(bench).words
            assert "cannot be reached" in say(bench, "Again.").words


def drips(until: threading.Event) -> Answer:
    """Answer with a byte now and then, and never whole."""

    def answer(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        with suppress(OSError):
            while not until.wait(0.02):
                handler.wfile.write(b" ")

    return answer


def test_an_answer_that_never_ends_ends_at_the_deadline() -> None:
    done = threading.Event()
    with endpoint(drips(done)) as played:
        given = Endpoint(played.url, MODEL, seconds=0.3)
        with pytest.raises(EndpointFailed, match="no whole answer within"):
            given.reply([], [], lambda: False)
        done.set()


def test_a_person_can_stop_the_assistant(sandbox: Sandbox) -> None:
    done = threading.Event()
    with assisted(sandbox, drips(done)) as (bench, played):
        bench.post("/agent/say", {"words": "Hello.", "workspace": bench.workspace.key})
        page = bench.get("/agent")
        assert ("at work" in page.words, len(page.all("noscript"))) == (True, 1)
        assert bench.post("/agent/stop").status == 200
        rest(bench)
        assert "You stopped the assistant." in bench.get("/agent").words
        done.set()
        played.answers[:] = [says("Here again.")]
        assert "Here again." in say(bench).words


def test_no_second_message_is_taken_before_the_answer(sandbox: Sandbox) -> None:
    done = threading.Event()
    with assisted(sandbox, drips(done)) as (bench, _):
        fields = {"words": "Hello.", "workspace": bench.workspace.key}
        bench.post("/agent/say", fields)
        assert bench.post("/agent/say", fields).status == 409
        bench.post("/agent/stop")
        done.set()
        rest(bench)


def test_a_message_for_a_workspace_that_was_left_is_not_said(sandbox: Sandbox) -> None:
    with assisted(sandbox, says("Hello.")) as (bench, played):
        assert bench.post("/agent/say", {"words": "Hi", "workspace": "other"}).status == 409
        assert bench.post("/agent/say", {"words": " ", "workspace": "local"}).status == 400
    assert played.bodies == []


def environ(**changed: str) -> Mapping[str, str]:
    return {
        "OPENAI_BASE_URL": "https://models.example/v1",
        "OPENAI_API_KEY": KEY,
        "OPENAI_MODEL": MODEL,
        **changed,
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example/v1",
        "http://127.0.0.1.models.example/v1",
        "https://u:p@models.example/v1",
        "https://models.example/v1?key=1",
        "https://models.example/v1#x",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
        "https://models.example\\@127.0.0.1/",
        "models.example/v1",
        "ftp://127.0.0.1/v1",
    ],
)
def test_only_https_and_this_machine_are_asked(url: str) -> None:
    with pytest.raises(EndpointInvalid, match="OPENAI_BASE_URL cannot be used"):
        Endpoint.from_env(environ(OPENAI_BASE_URL=url))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1/",
        "http://localhost:11434/v1",
        "http://127.0.0.1:1/v1",
        "http://[::1]:8/v1",
    ],
)
def test_https_and_this_machine_are(url: str) -> None:
    found = Endpoint.from_env(environ(OPENAI_BASE_URL=url))
    assert found is not None
    assert found.base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"OPENAI_MODEL": " "}, "OPENAI_MODEL is missing"),
        ({"OPENAI_API_KEY": "two words"}, "OPENAI_API_KEY has a character"),
        ({"OPENAI_API_KEY": "clé"}, "OPENAI_API_KEY has a character"),
    ],
)
def test_what_is_wrong_in_the_environment_is_on_the_page(
    sandbox: Sandbox, changed: dict[str, str], words: str
) -> None:
    with workbench(sandbox, None, environ(**changed)) as bench:
        page = bench.get("/agent")
    assert words in page.words
    assert changed.get("OPENAI_API_KEY", KEY) not in page.response.text


def test_an_endpoint_that_wants_no_key_gets_none() -> None:
    with endpoint(says("Hello.")) as played:
        given = Endpoint(played.url, MODEL, Secret(""))
        assert given.reply([], [], lambda: False).words == "Hello."
        assert replace(given, key=Secret(KEY)).reply([], [], lambda: False).words == "Hello."
    assert played.keys == [None, f"Bearer {KEY}"]


# --- Without an endpoint


@pytest.fixture
def alone(sandbox: Sandbox) -> Iterator[Bench]:
    with workbench(sandbox, None, {}) as bench:
        yield bench


def play(bench: Bench, choice: str) -> Page:
    return bench.post("/agent/script", {"choice": choice})


def test_without_an_endpoint_the_demo_plays_step_by_step(alone: Bench) -> None:
    assert "No model plays here" in alone.get("/agent").words
    page = play(alone, "next")
    assert f"step 1 of {STEPS}" in page.words
    for words in ("Somebody (cookie web-7f3)", "track_anonymous_event", "the event waits, once"):
        assert words in page.words
    assert "arguments_invalid" in page.words, "the first call is wrong, as a model's are"
    assert alone.local.requests() == [], "it plays on a sandbox of its own"


def test_the_whole_script_ends_with_what_it_proved(alone: Bench) -> None:
    page = play(alone, "all")
    assert "All 24 subtools did what they promise." in page.words
    assert "Next step" not in page.response.text
    again = play(alone, "next")
    assert again.words.count("All 24 subtools") == 1
    assert "Begin" in play(alone, "anew").response.text
    assert alone.workspaces.script.console_url == ""


def test_nothing_is_said_where_there_is_nobody_to_say_it_to(alone: Bench) -> None:
    page = alone.post("/agent/say", {"words": "Hello.", "workspace": "local"})
    assert (page.status, "OPENAI_BASE_URL is not set" in page.words) == (400, True)
