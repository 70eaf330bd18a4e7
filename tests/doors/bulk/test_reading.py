"""The rows of a file: their numbers, their arguments, and those that cannot be read."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.bulk import Input, InputChanged, InputInvalid
from customerio_tool.doors.bulk import records

PEOPLE = {"E-Mail": "customer_id", "Age": "attributes.age:int", "Note": ""}


def read(path: Path, subtool: str = "identify_customer", **options: Any) -> list[Any]:
    """Return the number of each row, with its arguments or why it cannot be read."""
    source = Input.of(path, subtool, **options)
    surveyed = source.survey()
    rows = list(source.rows())
    assert surveyed.rows == len(rows)
    return [(row.number, row.problem or row.arguments) for row in rows]


def test_json_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"customer_id": "u1"}\r\n\n{"customer_id": \n'
        b'{"customer_id": "\xff"}\n[1]\n{"row": 9, "arguments": {"customer_id": "zo\xc3\xab"}}'
    )
    assert read(path) == [
        (1, {"customer_id": "u1"}),
        (3, "is not valid JSON; check its quotes and brackets"),
        (4, "is not UTF-8; save the file as UTF-8"),
        (5, "is no JSON object; write one object a line"),
        (6, {"customer_id": "zoë"}),
    ]


def test_a_line_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_ROW_BYTES", 64)
    path = tmp_path / "people.jsonl"
    path.write_text('{"customer_id": "u1"}\n' + "x" * 500 + '\n{"customer_id": "u2"}\n')
    (_, first), (two, problem), (three, last) = read(path)
    assert (first, two, three, last) == ({"customer_id": "u1"}, 2, 3, {"customer_id": "u2"})
    assert problem == "is longer than 64 bytes; split it"


def test_csv_is_numbered_as_a_spreadsheet_does_and_its_columns_have_types(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "E-Mail,Age,attributes.plan,attributes.vip:flag,attributes.tags:json,Note\n"
        'ada@example.com,36,"pro, or\nfree",YES,"[""a""]",x\n'
        "zoe@example.com,,,,,\n"
        "bob@example.com,old,,,,\n"
        "eve@example.com,1\n",
        encoding="utf-8",
    )
    ada = {"age": 36, "plan": "pro, or\nfree", "vip": True, "tags": ["a"]}
    assert read(path, columns=PEOPLE) == [
        (2, {"customer_id": "ada@example.com", "attributes": ada}),
        (3, {"customer_id": "zoe@example.com"}),
        (4, "attributes.age is not a whole number; write digits only"),
        (5, "has 2 cells, and the header has 6; put quotes around a cell that holds a delimiter"),
    ]


def test_an_argument_that_is_no_text_has_the_type_of_the_subtool(tmp_path: Path) -> None:
    path = tmp_path / "more.tsv.gz"
    path.write_bytes(gzip.compress(b'segment_id\tcustomer_ids\n7\t["u1"]\n'))
    constants = {"segment_id": 1, "id_type": "id"}
    assert read(path, "add_to_segment", constants=constants) == [
        (2, {"segment_id": 7, "id_type": "id", "customer_ids": ["u1"]})
    ]


INVALID = {
    "an array": ("x.jsonl", b'[{"a": 1}]', "holds one JSON array"),
    "no header": ("x.csv", b"", "has no header"),
    "half a gzip file": ("x.jsonl.gz", gzip.compress(b"{}\n" * 99)[:-9], "no whole gzip file"),
    "two of one": ("x.csv", b"customer_id,customer_id.x\na,b\n", "are both customer_id"),
    "no such column": ("x.csv", b"customer_id\na\n", "no column 'E-Mail'"),
    "no form": ("x.dat", b"", "does not tell whether"),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_wrong_with_the_whole_file_is_said_before_a_row(tmp_path: Path, name: str) -> None:
    file, content, said = INVALID[name]
    (tmp_path / file).write_bytes(content)
    columns = PEOPLE if "column" in name else {}
    with pytest.raises(InputInvalid, match=said):
        read(tmp_path / file, columns=columns)


def test_a_file_that_changes_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text('{"customer_id": "u1"}\n' * 500)
    source = Input.of(path, "identify_customer")
    source.survey()
    rows = source.rows()
    assert next(rows).number == 1
    with path.open("a") as file:
        file.write('{"customer_id": "u2"}\n')
    with pytest.raises(InputChanged, match="Put it back as it was"):
        list(rows)


UNCLOSED = {
    "to the end of the file": (
        'customer_id\nu1\n"u2\nu3\nu4\n',
        "the file ends before it is closed",
    ),
    "to another quote": ('customer_id,x\nu1,a\nu2,"b\nu3,c\nu4,"d"\n', "line 5 is wrong"),
    "in a later cell": ('customer_id,x\n"u\n""1""","b\nu3,c\nu4,"d"\n', "line 5 is wrong"),
    "over many lines": ('customer_id\nu1\n"u2\n' + "u3\n" * 20 + '"\n', "the row does not end"),
    "over many bytes": ('customer_id\nu1\n"u2\n' + "u" * 200 + '"\n', "the row does not end"),
    "in one long line": ("customer_id\nu1\n" + 'u2" ' * 50 + '"\n', "the row does not end"),
}


@pytest.mark.parametrize("name", UNCLOSED)
def test_a_quote_that_is_not_closed_swallows_no_rows_but_is_told_before_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(records, "MAX_ROW_BYTES", 128)
    monkeypatch.setattr(records, "MAX_ROW_LINES", 10)
    content, said = UNCLOSED[name]
    path = tmp_path / "people.csv"
    path.write_text(content)
    with pytest.raises(InputInvalid, match=f"people.csv is no CSV from line 3 on: .* {said}"):
        Input.of(path, "identify_customer").survey()


def test_a_wrong_quote_within_one_line_rejects_its_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('customer_id,name\nu1,"a" b\nu2,c\nu3,"d')
    source = Input.of(path, "track_event")
    rows = list(source.rows())
    assert [(row.number, row.text) for row in rows if row.problem] == [
        (2, 'u1,"a" b'),
        (4, 'u3,"d'),
    ]
    assert {row.problem for row in rows if row.problem} == {
        'has a quote that is not closed, or one inside a cell; write "" for a quote inside a cell'
    }
    assert rows[1].arguments == {"customer_id": "u2", "name": "c"}


def test_a_line_of_csv_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_ROW_BYTES", 4096)
    path = tmp_path / "people.csv"
    path.write_text("customer_id\r\nu1\r\n" + "x" * 4_000_000 + "\r\nu2\r\n")
    problem = "is longer than 4,096 bytes; split it"
    tracemalloc.start()
    try:
        found = read(path)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000, "two blocks of the digest"
    finally:
        tracemalloc.stop()
    assert found == [(2, {"customer_id": "u1"}), (3, problem), (4, {"customer_id": "u2"})]
    path.write_text("customer_id" * 5000)
    with pytest.raises(InputInvalid, match="header of people\\.csv is longer than 4,096 bytes"):
        read(path)
