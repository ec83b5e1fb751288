"""The variants of the published experiment, each as a row of settings of the write and read engines.

The experiment's log is about an engine in another language; `about` says what a row sets here and
why that stands for it. A row whose knob does not exist here says so in `unfit`, and is reported.
`keep_memory` has no row: it is the process's, and all rows run in the same two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cells import KIB, size_text
from gzmtp.tuning import ASYNC_FIRST, ASYNC_SOME, SYNC_LOOP, SYNC_TRY, Tuning

ENDLESS = 1 << 40

BASELINE = "baseline"
DEFAULT = "default"


@dataclass(frozen=True)
class Variant:
    """One row: the fields of Tuning that it sets; the others have their defaults."""

    name: str
    about: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    unfit: str = ""
    """Why it does not apply to these engines."""

    def tuning(self) -> Tuning:
        """All settings; ValueError or TypeError for one that does not exist."""
        return Tuning(**self.settings)


def _row(name: str, about: str, **settings: Any) -> Variant:
    return Variant(name, about, settings)


def _in_batch(size: int) -> Variant:
    return _row(
        f"in-batch {size // KIB} KiB",
        "a read buffer of this size, whatever comes",
        in_batch=size,
        in_batch_large=size,
    )


def _burst(size: int) -> Variant:
    return _row(
        f"receive burst {size_text(size)}",
        "others' turn after so many bytes",
        receive_burst=size,
        receive_extra=0,
    )


PUBLISHED = (
    _row(
        BASELINE,
        "everything is copied into the batch buffer, and written when the kernel is writable",
        strategy=ASYNC_FIRST,
        large_threshold=ENDLESS,
        answer_spin=0.0,
        write_spin=0.0,
        read_spin=0.0,
        pace_locally=True,
        read_on=False,
    ),
    _row(DEFAULT, "gzmtp as it is installed"),
    _row(
        "sync try",
        "parts of 64 KiB and more leave uncopied; one write at once, the rest when writable",
        strategy=SYNC_TRY,
        large_threshold=64 * KIB,
    ),
    _row("sync loop", "writes at once until the kernel refuses", strategy=SYNC_LOOP),
    _row("threshold 128 KiB", "the large path from here on", large_threshold=128 * KIB),
    _row(
        "sync write by default",
        "every message, small ones too, is written before send() returns, until the kernel refuses",
        strategy=SYNC_LOOP,
        short_run=1 << 30,
    ),
    _row(
        "no sync loop",
        "the same with one write at once: the rest when writable",
        strategy=SYNC_TRY,
        short_run=1 << 30,
    ),
    _row("async write some", "one write for each time the kernel is writable", strategy=ASYNC_SOME),
    Variant(
        "header buffer 32 B",
        "a small buffer beside the batch buffer, for the header of a large message",
        unfit=(
            "there is no buffer to be sized: a large message's header (9 bytes, behind its"
            " envelope and small messages that wait) is a bytes object of its exact size, and"
            " the first buffer of the gather write"
        ),
    ),
    _row("threshold 512 KiB", "the large path from here on", large_threshold=512 * KIB),
    _burst(16 * KIB),
    _burst(256 * KIB),
    _burst(1024 * KIB),
    _row(
        "no pausing of reads",
        "reading goes on at the high-water mark (pausing is in the default)",
        pause_reading=False,
    ),
    _row(
        "no read buffer resize",
        "8 KiB, libzmq's, whatever comes (resizing is in the default)",
        in_batch=8 * KIB,
        in_batch_large=8 * KIB,
    ),
    _in_batch(16 * KIB),
    _in_batch(32 * KIB),
    _in_batch(64 * KIB),
    _in_batch(256 * KIB),
    # The published log has no such rows: this is how gzmtp answers its regressions in latency.
    _row("no looking out", "who waits for an answer sleeps at once", answer_spin=0.0),
    _row("no pushing", "what the kernel did not take of a large message waits", write_spin=0.0),
    _row("no reading on", "what a burst has left in the kernel waits for a turn of the loop",
         read_on=False),
    _row("nothing at once", "a callback takes one large message, however many are there",
         receive_extra=0),
    _row("no waiting for the rest",
         "what is missing of a large message is received in another turn of the loop",
         read_spin=0.0),
    _row("paced", "tcp within this host paced as the system's congestion control does",
         pace_locally=True),
)  # fmt: skip

#: Questions of gzmtp's own about the same knobs; asked for by name, or with `--variants all`.
FURTHER = (
    _row("threshold 8 KiB", "the large path from here on", large_threshold=8 * KIB),
    _row("threshold 32 KiB", "the large path from here on", large_threshold=32 * KIB),
    _row("async first", "the large path, but no write before the kernel is writable",
         strategy=ASYNC_FIRST),
    _row("short run 1", "what follows a first message in a turn is batched", short_run=1),
    _row("short run 64", "so many messages of a turn leave at once", short_run=64),
    _row("out batch 16 KiB", "bytes of small messages that leave together", out_batch=16 * KIB),
    _row("out batch 256 KiB", "bytes of small messages that leave together", out_batch=256 * KIB),
)  # fmt: skip

TABLE = {row.name: row for row in PUBLISHED + FURTHER}


def chosen(names: str) -> list[Variant]:
    """The rows that a comma-separated list names ("all": every row), in the table's order, the
    baseline and the default always among them. KeyError for an unknown name."""
    wanted = {_fold(name) for name in names.split(",") if name.strip()}
    known = {_fold(name): name for name in TABLE}
    if "all" in wanted:
        return list(TABLE.values())
    for name in wanted:
        if name not in known:
            raise KeyError(name)
    wanted |= {BASELINE, DEFAULT}
    return [row for row in TABLE.values() if _fold(row.name) in wanted]


def parsed(text: str) -> Variant:
    """A row from "name: field=value, field=value"; ValueError if it is none."""
    name, colon, rest = text.partition(":")
    settings: dict[str, Any] = {}
    defaults = Tuning()
    for pair in rest.split(","):
        knob, equals, value = (piece.strip() for piece in pair.partition("="))
        if not colon or not equals or not hasattr(defaults, knob):
            raise ValueError(f"{text!r} is not 'name: field=value, field=value' of Tuning's fields")
        kind = type(getattr(defaults, knob))
        settings[knob] = value.lower() in ("1", "true", "on") if kind is bool else kind(value)
    row = Variant(name.strip(), "asked for on the command line", settings)
    row.tuning()
    return row


def same_as_default(rows: list[Variant]) -> list[str]:
    """Rows that come to the default's settings: their difference from it is chance."""
    default = Tuning()
    return [row.name for row in rows
            if row.name != DEFAULT and not row.unfit and row.tuning() == default]  # fmt: skip


def _fold(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
