"""Files of CURVE keys, as czmq and pyzmq write them (ZPL, RFC 4: ``public-key = "..."``).

Owns their form. A certificate is a file ``name.key`` with the public key, and one
``name.key_secret`` with both.
"""

from __future__ import annotations

import datetime
import glob
import os
from collections.abc import Mapping
from typing import Any

from gzmtp.capabilities import curve_keypair

__all__ = ["create_certificates", "load_certificate", "load_certificates"]

_Path = str | os.PathLike[str]

_PUBLIC = """\
#   ****  Generated on {} by gzmtp  ****
#   ZeroMQ CURVE Public Certificate
#   To be given to peers, over a way on which nobody can replace it.

"""

_SECRET = """\
#   ****  Generated on {} by gzmtp  ****
#   ZeroMQ CURVE **Secret** Certificate
#   DO NOT SHOW THIS FILE TO ANYBODY, nor let anybody else read it.

"""


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _write_key_file(
    key_filename: _Path,
    banner: str,
    public_key: str | bytes,
    secret_key: str | bytes | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    lines = ["metadata"]
    lines += [f"    {_text(name)} = {_text(value)}" for name, value in (metadata or {}).items()]
    lines += ["curve", f'    public-key = "{_text(public_key)}"']
    mode = 0o666
    if secret_key:
        lines.append(f'    secret-key = "{_text(secret_key)}"')
        mode = 0o600
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with open(os.open(key_filename, flags, mode), "w", encoding="utf-8") as file:
        file.write(banner + "\n".join(lines) + "\n")


def create_certificates(
    key_dir: _Path, name: str, metadata: dict[str, str] | None = None
) -> tuple[str, str]:
    """Make a key pair, and its two files *name* in *key_dir*; return the files' paths.

    *metadata* goes into the secret file only, which nobody but its owner can read.
    """
    public_key, secret_key = curve_keypair()
    public_file = os.path.join(key_dir, f"{name}.key")
    secret_file = os.path.join(key_dir, f"{name}.key_secret")
    now = datetime.datetime.now()
    _write_key_file(public_file, _PUBLIC.format(now), public_key)
    _write_key_file(secret_file, _SECRET.format(now), public_key, secret_key, metadata)
    return public_file, secret_file


def load_certificate(filename: _Path) -> tuple[bytes, bytes | None]:
    """The public and the secret key (None if it is not there) from a file.

    They stand in the section ``curve`` (or in none); of lines with one name the last counts.
    OSError if there is no file, ValueError if it has no public key.
    """
    if not os.path.exists(filename):
        raise OSError(f"Invalid certificate file: {filename!r}")
    sections: dict[bytes, dict[bytes, bytes]] = {b"": {}, b"curve": {}}
    section = b""
    with open(filename, "rb") as file:
        for line in file:
            if not line.strip() or line.lstrip().startswith(b"#"):
                continue
            name, equals, value = line.partition(b"=")
            name, indented = name.strip(), line[:1].isspace()
            if not indented:
                section = b"" if equals else name
            if equals and section in sections:
                sections[section][name] = value.strip().strip(b"\"'")
    keys = {**sections[b""], **sections[b"curve"]}
    public_key = keys.get(b"public-key")
    if not public_key:
        raise ValueError(f"No public key found in {filename!r}")
    return public_key, keys.get(b"secret-key")


def load_certificates(directory: _Path = ".") -> dict[bytes, bool]:
    """The public keys of all files ``*.key`` in *directory*, as keys of a dict."""
    if not os.path.isdir(directory):
        raise OSError(f"Invalid certificate directory: {directory!r}")
    files = glob.glob(os.path.join(glob.escape(os.fspath(directory)), "*.key"))
    return {load_certificate(file)[0]: True for file in files}
