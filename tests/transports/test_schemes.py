"""Schemes: the table, other packages' entry points, and what is said about the rest."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from gzmtp import transports
from gzmtp.constants import Errno, SocketType
from gzmtp.error import ZMQError
from gzmtp.transports import ipc, split_endpoint, tcp, transport


def refusal(endpoint: str, socket_type: int | None = None) -> ZMQError:
    with pytest.raises(ZMQError) as caught:
        split_endpoint(endpoint, socket_type)
    assert repr(endpoint) in str(caught.value)
    return caught.value


def test_split() -> None:
    assert split_endpoint("tcp://a://b:1") == ("tcp", "a://b:1")
    assert split_endpoint("inproc://a") == ("inproc", "a")
    assert transport("tcp") is tcp
    assert transport("ipc") is ipc


@pytest.mark.parametrize("endpoint", ["", "tcp", "tcp:/a", "tcp://", "://", "://a"])
def test_what_is_no_endpoint(endpoint: str) -> None:
    assert refusal(endpoint).errno == errno.EINVAL


@pytest.mark.parametrize("scheme", ["pgm", "epgm", "norm", "tipc", "vmci", "vsock", "hvsocket"])
def test_known_but_unsupported(scheme: str) -> None:
    error = refusal(f"{scheme}://x")
    assert error.errno == errno.EPROTONOSUPPORT
    assert f"{scheme}:// " in str(error)


def test_udp() -> None:
    assert refusal("udp://127.0.0.1:1").errno == Errno.ENOCOMPATPROTO
    assert refusal("udp://127.0.0.1:1", SocketType.PUB).errno == Errno.ENOCOMPATPROTO
    assert refusal("tcp://127.0.0.1:1", SocketType.DGRAM).errno == Errno.ENOCOMPATPROTO
    assert split_endpoint("udp://127.0.0.1:1", SocketType.RADIO) == ("udp", "127.0.0.1:1")


def test_words_that_help() -> None:
    assert "lower case: tcp://" in str(refusal("TCP://127.0.0.1:1"))
    assert "tcp://127.0.0.1:5555" in str(refusal("127.0.0.1:1"))
    assert "inproc, ipc, tcp, tls, udp, ws, wss" in str(refusal("zmq://x"))
    assert str(refusal("udp://x")).startswith("The protocol is not compatible")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is installed with two transports, one of which cannot be imported."""
    info = tmp_path / "carrier-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[gzmtp.transports]\npigeon = carrier_pigeon\nowl = carrier_owl\n"
    )
    (tmp_path / "carrier_pigeon.py").write_text("feathers = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(transports, "REGISTRY", dict(transports.REGISTRY))
    monkeypatch.delitem(sys.modules, "carrier_pigeon", raising=False)


@pytest.mark.usefixtures("package")
def test_scheme_of_another_package() -> None:
    assert split_endpoint("pigeon://coop") == ("pigeon", "coop")
    assert transport("pigeon").feathers  # type: ignore[attr-defined]


@pytest.mark.usefixtures("package")
def test_scheme_that_cannot_be_loaded() -> None:
    error = refusal("owl://tree")
    assert error.errno == errno.EPROTONOSUPPORT
    assert "carrier_owl" in str(error)
