"""The report: raw data as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.figures import geometric_mean, median, paired_ratio
from benchmarks.markdown import micros, table, verdict_text
from benchmarks.programs.running import ENTRANTS, MEASURES

GOAL = 1.5
OURS, OTHER = ENTRANTS


def write_report(data: dict[str, Any], pictures: Sequence[str] = ()) -> str:
    """Calls a second and CPU of all processes, with the ratios within each round."""
    found: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
    for record in data["records"]:
        for figure in ("rate", "cpu"):
            if figure in record:
                found[record["measure"], record["entrant"], figure][record["round"]] = record[figure]
    loads = [record["load"] for record in data["records"]] or [0.0]
    machine = data["machine"]
    lines = [
        "# Programs", "",
        "Programs from PyPI, unmodified, on zmq.green and on gzmtp by `python -m gzmtp.monkey`:"
        " `python -m benchmarks.programs`. A ratio says how many times better gzmtp is.",
        f"{data['began']}: {machine['processor']}, {machine['cores']} cores, {machine['system']},"
        f" {machine['python']}; {data['seconds']} s a measurement. Load average when a run began:"
        f" {min(loads):.1f} to {max(loads):.1f}, median {median(loads):.1f}"
        " (from 3 on the machine was shared: ratios are spread widely then).", "",
        *(f"- {name}: {version}" for name, version in data["versions"].items()), "",
    ]  # fmt: skip
    rows, ratios = [], []
    for measure, text in MEASURES.items():
        rates = [found[measure, name, "rate"] for name in (OURS, OTHER)]
        costs = [found[measure, name, "cpu"] for name in (OURS, OTHER)]
        times = paired_ratio(rates[0], rates[1])
        if times is None:
            continue
        ratios.append(times)
        each = [rates[0][n] / rates[1][n] for n in rates[0].keys() & rates[1].keys()]
        cpu = paired_ratio(costs[1], costs[0]) or 0.0
        rows.append([
            f"{measure.split()[0]}: {text}", *(f"{median(values.values()):.0f}" for values in rates),
            f"{times:.2f} ({min(each):.2f}–{max(each):.2f})",
            *(micros(median(values.values())) for values in costs), f"{cpu:.2f}",
            verdict_text(times >= GOAL),
        ])  # fmt: skip
    header = ["", f"{OURS}, a second", f"{OTHER}, a second", "times (range)",
              f"{OURS}, CPU us", f"{OTHER}, CPU us", "times", f"goal: {GOAL} x"]  # fmt: skip
    lines += table(header, rows)
    mean = geometric_mean(ratios)
    if mean is not None:
        lines += [f"Geometric mean of throughput: {mean:.2f} times zmq.green.", ""]
    failed = [record for record in data["records"] if "error" in record]
    if failed:
        lines += ["## Runs that failed", ""]
        lines += [f"- {record['entrant']}, {record['measure']}: {record['error'].splitlines()[-1]}"
                  for record in failed]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"
