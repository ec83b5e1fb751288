"""Numbers with units, as users write and read them: 64KiB, 500ms, 1.2 M.

Owns their spelling, both ways.  Pure.
"""

from __future__ import annotations

import argparse
import re

_SIZES = {"": 1, "b": 1}
for _power, _letter in enumerate("kmg", 1):
    _SIZES[_letter] = _SIZES[f"{_letter}ib"] = 1024**_power
    _SIZES[f"{_letter}b"] = 1000**_power
_TIMES = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "m": 60.0, "min": 60.0, "h": 3600.0}
_COUNTS = {"": 1.0, "k": 1e3, "m": 1e6}
_AMOUNT = re.compile(r"([0-9]*\.?[0-9]+)\s*([a-z]*)", re.IGNORECASE)


def _amount(text: str, units: dict[str, float] | dict[str, int], what: str) -> float:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2].lower() not in units:
        names = ", ".join(unit for unit in units if unit)
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}: a number, or one with {names}")
    return float(match[1]) * units[match[2].lower()]


def size(text: str) -> int:
    """Bytes: 64, 64k or 64KiB (1024 each), 64kB (1000)."""
    return int(_amount(text, _SIZES, "size"))


def sizes(text: str) -> list[int]:
    """Several sizes, commas between them."""
    return [size(each) for each in text.split(",")]


def seconds(text: str) -> float:
    """Seconds: 5, 0.5, 500ms, 2m."""
    return _amount(text, _TIMES, "time")


def positive_seconds(text: str) -> float:
    """As `seconds`, but not 0."""
    value = seconds(text)
    if not value:
        raise argparse.ArgumentTypeError("must not be 0")
    return value


def rate(text: str) -> float:
    """Messages a second: 10, 0.5, 20k."""
    value = _amount(text, _COUNTS, "rate")
    if not value:
        raise argparse.ArgumentTypeError("a rate of 0 never sends")
    return value


def count(text: str) -> int:
    """A whole number, not negative: 10, 20k, 1M."""
    value = _amount(text, _COUNTS, "count")
    if value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(value)


def _scaled(value: float, units: tuple[str, ...]) -> str:
    for unit in units:
        if value < 999.5 or unit == units[-1]:
            break
        value /= 1000
    digits = 0 if unit == units[0] or value >= 100 else 2 if value < 10 else 1
    return f"{value:.{digits}f} {unit}".rstrip()


def count_text(value: float) -> str:
    """12, 1.20 k, 3.40 M."""
    if 0 < value < 9.95 and value != int(value):
        return f"{value:.1f}"
    return _scaled(value, ("", "k", "M", "G"))


def bytes_text(value: float) -> str:
    """12 B, 1.20 kB (1000 bytes), 3.40 MB."""
    return _scaled(value, ("B", "kB", "MB", "GB", "TB"))


def seconds_text(value: float) -> str:
    """83 us, 1.25 ms, 2.5 s."""
    if value < 1e-3:
        return f"{value * 1e6:.0f} us"
    return f"{value * 1e3:.2f} ms" if value < 1 else f"{value:.1f} s"
