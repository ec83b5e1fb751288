"""``python -m zmq.curve_keygen``: make a key pair for CURVE, or find a secret key's public one.

Keys are printed as Z85, in the form that libzmq's curve_keygen has, or as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from gzmtp.capabilities import curve_keypair, curve_public


def _main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python3 -m zmq.curve_keygen", description="Generate a CURVE key pair."
    )
    parser.add_argument("--json", action="store_true", help="print the keys as a JSON object")
    parser.add_argument("--secret", help="a secret key, to find its public key")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "--secret" in given[:-1]:  # a key may begin with "-", as an option does
        at = given.index("--secret")
        given[at : at + 2] = [f"--secret={given[at + 1]}"]
    options = parser.parse_args(given)
    if options.secret:
        public, secret = curve_public(options.secret), options.secret.encode()
    else:
        public, secret = curve_keypair()
    keys = {"public": public.decode(), "secret": secret.decode()}
    if options.json:
        print(json.dumps(keys, indent=1, sort_keys=True))
    else:
        print(
            "== CURVE PUBLIC KEY ==", keys["public"], "", "== CURVE SECRET KEY ==", keys["secret"],
            sep="\n",
        )  # fmt: skip


if __name__ == "__main__":
    _main()
