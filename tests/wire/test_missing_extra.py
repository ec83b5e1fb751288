"""CURVE without PyNaCl: importable, and the error names what to install."""

from __future__ import annotations

import sys

import pytest

from gzmtp.wire.mechanisms import curve


@pytest.fixture(autouse=True)
def no_nacl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nacl", None)


def test_it_is_known() -> None:
    assert not curve.available()


@pytest.mark.parametrize(
    "make",
    [
        lambda: curve.CurveServer(bytes(32)),
        lambda: curve.CurveClient(bytes(32), bytes(32), bytes(32)),
        curve.keypair,
        lambda: curve.public_key(bytes(32)),
    ],
)
def test_the_extra_is_named(make: object) -> None:
    assert callable(make)
    with pytest.raises(ImportError, match=r"gzmtp\[curve\]"):
        make()
