"""pyzmq's ``zmq.auth``: deciding who may connect (ZAP, RFC 27), and files of CURVE keys.

In a thread of its own: :mod:`gzmtp.auth.thread`.
"""

from __future__ import annotations

from gzmtp.auth.base import CURVE_ALLOW_ANY, Authenticator
from gzmtp.auth.certs import create_certificates, load_certificate, load_certificates

__all__ = [
    "CURVE_ALLOW_ANY",
    "Authenticator",
    "create_certificates",
    "load_certificate",
    "load_certificates",
]
