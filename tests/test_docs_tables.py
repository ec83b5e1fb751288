"""docs/libzmq-tests.md and docs/security.md stay true: every test that they name exists, every row says how far it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.gzmtp_only("it reads gzmtp's documents")

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "libzmq-tests.md"
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| `test_")
]
SECURITY = PAGE.with_name("security.md")
NAMED = sorted(
    set(re.findall(r"`([\w/]+\.py)::([\w:]+)`", PAGE.read_text() + SECURITY.read_text()))
)


def defined(path: Path) -> set[str]:
    """The tests of a file: test_x, and TestY::test_x of its classes."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)
            }
    return names


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_tests_that_are_named_exist(file: str) -> None:
    path = TESTS / file
    assert path.is_file(), f"a document names tests of {file}, which is not there"
    missing = {name for each, name in NAMED if each == file} - defined(path)
    assert not missing, f"a document names tests that {file} does not have"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
def test_rows_are_whole(row: list[str]) -> None:
    assert len(row) == 4
    state, tests = row[2], row[3]
    assert re.fullmatch(r"covered|(partly|cannot apply): .+", state), state
    assert bool(tests) is not state.startswith("cannot apply"), "what is covered is so by tests"


def test_every_program_is_there_once() -> None:
    programs = [row[0] for row in ROWS]
    assert len(programs) == len(set(programs)) and programs == sorted(
        programs, key=lambda name: name.strip("`")
    )
    counted = re.search(r"comes with (\d+) test programs", PAGE.read_text())
    assert counted and int(counted[1]) == len(programs)


def test_the_sums_are_right() -> None:
    said = re.search(
        r"(\d+) are covered, (\d+) partly, (\d+) cannot apply", PAGE.read_text().replace("\n", " ")
    )
    counts = [
        sum(row[2].startswith(state) for row in ROWS)
        for state in ("covered", "partly", "cannot apply")
    ]
    assert said and [int(each) for each in said.groups()] == counts
