"""Certificates of an authority that only the tests know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Certificates:
    """Files in PEM below one folder. `cert`, `key` and `ca` are good for everybody on this host."""

    def __init__(self, folder: Path) -> None:
        import trustme

        self._trustme = trustme
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = self._write("ca", self.authority.cert_pem.bytes())
        self.cert, self.key = self.issue("localhost", "127.0.0.1", "::1", common_name="gzmtp test")

    def _write(self, name: str, data: bytes) -> str:
        path = self.folder / f"{name}.pem"
        path.write_bytes(data)
        return str(path)

    def authority_of_another(self) -> str:
        """The file of an authority that has issued nothing here."""
        return self._write(f"ca-{len(list(self.folder.iterdir()))}", self._trustme.CA().cert_pem.bytes())

    def issue(self, *names: str, **options: Any) -> tuple[str, str]:
        """Files of a new certificate for `names`, and of its key."""
        made = self.authority.issue_cert(*names, **options)
        number = len(list(self.folder.iterdir()))
        chain = b"".join(pem.bytes() for pem in made.cert_chain_pems)
        return self._write(f"cert-{number}", chain), self._write(
            f"key-{number}", made.private_key_pem.bytes()
        )

    def encrypted_key(self) -> str:
        """The file of a private key that a passphrase protects."""
        from cryptography.hazmat.primitives import serialization as form

        key = form.load_pem_private_key(Path(self.key).read_bytes(), None)
        data = key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret")
        )
        return self._write("encrypted-key", data)

    def client_context(self) -> Any:
        """What a green socket is wrapped with to talk to somebody who has `cert`."""
        from gevent import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca)
        context.load_cert_chain(self.cert, self.key)
        return context

    def options(self) -> dict[str, Any]:
        """What a socket needs to listen and to dial, and to trust who has such a certificate too."""
        return {"TLS_CERT": self.cert, "TLS_KEY": self.key, "TLS_CA": self.ca}


    def options_by_name(self) -> dict[str, Any]:
        """The same in the spelling of the `sockets` fixture."""
        return {name.lower(): value for name, value in self.options().items()}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    pytest.importorskip("trustme", reason="trustme is not installed (pip install 'gzmtp[test]')")
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def encrypted(zmq: Any, certificates: Certificates) -> Callable[..., Any]:
    """encrypted(socket_or_context): it has what tls needs."""

    def equip(door: Any) -> Any:
        for name, value in certificates.options().items():
            door.setsockopt(getattr(zmq, name), value)
        return door

    return equip


def is_encrypted(request: pytest.FixtureRequest) -> bool:
    """Whether a test runs over a transport whose sockets need `encrypted`."""
    names = request.fixturenames
    return "transport" in names and request.getfixturevalue("transport") in ("tls", "wss")
