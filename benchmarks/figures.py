"""The arithmetic of the report: medians, percentiles, ratios. Numbers in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

__all__ = ["geometric_mean", "median", "paired_ratio", "percentile"]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The value below which `percent` of an ascending sequence lies, between neighbours by proportion."""
    if not ordered:
        raise ValueError("no values")
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    if below + 1 >= len(ordered):
        return ordered[-1]
    return ordered[below] + (ordered[below + 1] - ordered[below]) * (place - below)


def paired_ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float | None:
    """The median over the rounds of ours / theirs, each of one round.

    Contenders of one round ran within seconds of each other, so what slows the machine for a while
    slows both halves of a pair; a ratio of two medians would compare different minutes.
    """
    ratios = [ours[r] / theirs[r] for r in ours.keys() & theirs.keys() if theirs[r] > 0]
    return median(ratios) if ratios else None


def geometric_mean(values: Iterable[float]) -> float | None:
    """The mean for ratios: half as fast and twice as fast make 1. None of no values."""
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms)) if logarithms else None
