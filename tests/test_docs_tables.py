"""Documents stay true: every test that docs/libzmq-tests.md and docs/security.md name exists, every row says how far it
is; docs/decisions.md has every setting with its default, and names rows of the experiment that are there."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.experiment import variants  # noqa: E402
from gzmtp.tuning import Tuning  # noqa: E402

pytestmark = pytest.mark.gzmtp_only("it reads gzmtp's documents")

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "libzmq-tests.md"
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| `test_")
]
SECURITY = PAGE.with_name("security.md")
DECISIONS = PAGE.with_name("decisions.md").read_text()
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


@pytest.mark.parametrize("field, default", sorted(Tuning._field_defaults.items()))
def test_each_setting_is_told_with_its_default(field: str, default: object) -> None:
    told = re.findall(rf"^### `{field}` = (\S+)$", DECISIONS, re.MULTILINE)
    assert len(told) == 1, f"docs/decisions.md has one heading for {field}"
    assert Tuning.from_environ({f"GZMTP_{field.upper()}": told[0]}) == Tuning(**{field: default})


def test_settings_that_are_told_exist() -> None:
    assert set(re.findall(r"^### `(\w+)`", DECISIONS, re.MULTILINE)) == set(Tuning._fields)


def test_rows_of_the_experiment_exist() -> None:
    named = re.findall(r"[Rr]ows? ((?:`[^`]+`(?:, | and )?)+)", " ".join(DECISIONS.split()))
    assert named and {row for row in re.findall(r"`([^`]+)`", "".join(named))} <= set(variants.TABLE)
