"""Which JSON is an error under whatever status, and which of its words are passed on."""

from __future__ import annotations

from typing import Any

from tests.support.whole import result_of

LIST, EVENT = "list_segments", "track_event"


def said_of_read(body: dict[str, Any]) -> Any:
    """Return what a read says of an answer: nothing where it is taken for one."""
    result = result_of(LIST, {"segments": [], **body})
    return None if result["ok"] else result.get("said", "")


def test_these_members_are_an_error_whatever_the_status() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"error": "no"}, "no"),
        ({"Error": "no"}, "no"),
        ({"errorMessage": "no"}, "no"),
        ({"failures": [{"field": "id", "reason": "no"}]}, "no (at id)"),
        ({"FAILED": True, "message": "no"}, "no"),
        ({"fault": {"detail": "no"}}, "no"),
        ({"exception": "no"}, "no"),
        ({"meta": {"error": "no"}}, "no"),
        ({"META": {"Errors": ["no", "never"]}}, "no; never"),
        ({"meta": {"errors": ["no"]}, "errors": [{"detail": "other"}]}, "no; other"),
        ({"errors": {"name": ["is missing", "is odd"]}}, "is missing (at name); is odd (at name)"),
        ({"errors": {"name": "is missing"}}, "is missing (at name)"),
        ({"errors": [{"title": "no", "source": {"pointer": "/ids"}}]}, "no (at /ids)"),
        ({"errors": [{"error": "no", "source": "x", "field": "f"}]}, "no (at f)"),
        ({"errors": [{"reason": "r", "message": "m", "detail": "d", "title": "t"}]}, "d"),
        ({"errors": [{"reason": "r", "message": "m", "title": "t"}]}, "m"),
        ({"errors": [{"reason": "r", "error": "e", "title": "t"}]}, "r"),
        ({"errors": [{"error": "e", "title": "t"}]}, "e"),
        ({"error": {"code": 7}}, ""),
        ({"errors": [1, None, "no"]}, "no"),
        ({"success": False, "message": "no"}, "no"),
        ({"ok": "FALSE", "detail": "no"}, "no"),
        ({"status": "error", "title": "no"}, "no"),
        ({"code": 503}, ""),
        ({"statusCode": "404 Not Found", "reason": "no"}, "no"),
        ({"status_code": 400}, ""),
        ({"result": "Failed"}, ""),
        ({"outcome": "rejected"}, ""),
        ({"status": "fail"}, ""),
        ({"status": "failure"}, ""),
        ({"errors": ["a  b\n c", "d"]}, "a b c; d"),
        ({"error": "n" * 400}, "n" * 300),
    ]
    assert [(body, said_of_read(body)) for body, _ in cases] == cases


def test_these_members_are_no_error() -> None:
    cases: list[dict[str, Any]] = [
        {},
        {"error": None, "errors": [], "meta": {}},
        {"error": " ", "errors": {"name": []}, "failed": 0},
        {"meta": None},
        {"meta": [{"error": "no"}]},
        {"meta": {"total": 3, "status": 500}},
        {"success": True, "ok": "true", "message": "no"},
        {"status": 200, "code": "301", "result": "ok", "outcome": "4000"},
        {"status": "errors follow", "result": "unfailed"},
        {"terror": "no", "default": True},
    ]
    for body in cases:
        assert said_of_read(body) is None, body


def test_the_words_are_those_of_the_error_and_of_nothing_beside_it() -> None:
    told_by = {"name": "x", "meta": {"error": "a"}, "error": "b", "message": "c", "detail": "d"}
    assert result_of(EVENT, told_by, 400)["said"] == "a; b"
    for body, said in (
        (["x", "y"], "x; y"),
        ([{"detail": "x"}, {"message": "y", "field": "f"}], "x; y (at f)"),
        ({"message": "c", "detail": "d"}, "d"),
        ({"error": {"message": {"deep": "x"}}, "message": "c"}, "c"),
        ({"detail": "d", "field": "f"}, "d (at f)"),
        ("text", None),
        ({"message": 7}, None),
        ({"errors": [{"detail": "d", "field": 7}]}, "d"),
        ({"errors": [{"detail": "d", "field": ""}]}, "d"),
    ):
        result = result_of(EVENT, body, 400)
        assert (result.get("said"), result.get("untrusted")) == (said, said and True), body
