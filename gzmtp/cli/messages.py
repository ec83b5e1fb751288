"""Messages as text or bytes of a stream, and back: what `send` reads and `recv` writes.

Owns the formats.  Pure: it must not know files, sockets or terminals.

text    a line is a message, a delimiter stands between parts; or so many lines are a message
hex     a line is a message: its parts as hexadecimal digits, spaces between them, "-" if empty
json    a line is a message: a list of its parts, text or {"hex": "00ff"}
length  for each message the number of its parts, then for each part its length and its bytes;
        the numbers have 32 bits, big-endian
raw     the bytes as they are: to read, all of them (or so many at a time) are one message
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, Protocol

Message = list[bytes]

FORMATS = ("text", "hex", "json", "length", "raw")

_number = Struct(">I")
#: Parts of one message of the format `length`: more is another format, misread.
_MOST_PARTS = 1 << 16


class Malformed(ValueError):
    """The input is not in the format that was named."""


class Decoder(Protocol):
    """Bytes of a stream to messages.  Malformed comes behind what is in order."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that *data* completes; to be read to its end."""

    def end(self) -> Iterator[Message]:
        """What the end of the stream completes.  Malformed if it is cut short."""


class _Lines:
    """What the formats by line share."""

    def __init__(self, parse: Callable[[bytes], Message], lines: int = 1) -> None:
        self._parse = parse
        self._lines = lines
        self._rest = b""
        self._parts: Message = []
        self._number = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        yield from self._take(whole)

    def end(self) -> Iterator[Message]:
        last, self._rest = self._rest, b""
        yield from self._take([last] if last else [])
        if self._parts:
            raise Malformed(
                f"the last message has {len(self._parts)} of {self._lines} parts (--parts)"
            )

    def _take(self, lines: list[bytes]) -> Iterator[Message]:
        for line in lines:
            self._number += 1
            try:
                self._parts += self._parse(line)
            except ValueError as error:
                raise Malformed(f"line {self._number}: {error}") from None
            if self._number % self._lines == 0:
                yield self._parts
                self._parts = []


def _text_line(delimiter: bytes) -> Callable[[bytes], Message]:
    if not delimiter:
        return lambda line: [line]
    return lambda line: line.split(delimiter)


def _hex_line(line: bytes) -> Message:
    words = line.decode("ascii").split()
    if not words:
        raise ValueError('no part; an empty part is "-"')
    return [_hex(word) for word in words]


def _hex(word: str) -> bytes:
    try:
        return b"" if word == "-" else bytes.fromhex(word)
    except ValueError:
        raise ValueError(f"{word[:40]!r} is not hexadecimal") from None


def _json_line(line: bytes) -> Message:
    value = json.loads(line)
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise ValueError("a message has at least one part")
    return [_json_part(part) for part in parts]


def _json_part(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode("utf-8", "surrogateescape")
    if isinstance(part, dict) and part.keys() == {"hex"} and isinstance(part["hex"], str):
        return _hex(part["hex"] or "-")
    return json.dumps(part, separators=(",", ":"), ensure_ascii=False).encode()


class _Lengths:
    def __init__(self) -> None:
        self._rest = bytearray()
        self._left = 0  # parts of the message that is being read
        self._parts: Message = []

    def feed(self, data: bytes) -> Iterator[Message]:
        rest = self._rest
        rest += data
        at = 0
        while len(rest) - at >= _number.size:
            (number,) = _number.unpack_from(rest, at)
            if not self._left:
                if not 1 <= number <= _MOST_PARTS:
                    raise Malformed(f"a message of {number} parts: this is not format length")
                self._left = number
                at += _number.size
                continue
            end = at + _number.size + number
            if end > len(rest):
                break
            self._parts.append(bytes(rest[at + _number.size : end]))
            at = end
            self._left -= 1
            if not self._left:
                yield self._parts
                self._parts = []
        del rest[:at]

    def end(self) -> Iterator[Message]:
        if self._rest or self._left:
            raise Malformed("the input ends within a message")
        yield from ()


class _Raw:
    def __init__(self, size: int) -> None:
        self._size = size  # 0: all of it is one message
        self._pieces: list[bytes] = []
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        size = self._size
        if not size:
            self._pieces.append(data)
            return
        data = self._rest + data
        whole = len(data) // size * size
        self._rest = data[whole:]
        for at in range(0, whole, size):
            yield [data[at : at + size]]

    def end(self) -> Iterator[Message]:
        last = self._rest or b"".join(self._pieces)
        self._rest, self._pieces = b"", []
        if last:
            yield [last]


def decoder(form: str, *, delimiter: bytes = b"", lines: int = 1, size: int = 0) -> Decoder:
    """Return what reads *form*.

    text: *delimiter* splits a line (b"": it is one part), *lines* of them are one message; raw:
    *size* bytes are a message (0: all).
    """
    if form == "text":
        return _Lines(_text_line(delimiter), lines)
    if form == "hex":
        return _Lines(_hex_line)
    if form == "json":
        return _Lines(_json_line)
    return _Lengths() if form == "length" else _Raw(size)


Encode = Callable[[Message], bytes]


def encoder(form: str, *, delimiter: bytes = b"\t", escaped: bool = False) -> Encode:
    """Return what writes a message in *form*; *escaped*: what a terminal would not print is
    written as escape sequences (text only)."""
    if form == "text":
        return _text_escaped(delimiter) if escaped else _text(delimiter)
    return {"hex": _to_hex, "json": _to_json, "length": _to_lengths, "raw": b"".join}[form]


def _text(delimiter: bytes) -> Encode:
    return lambda message: delimiter.join(message) + b"\n"


def _text_escaped(delimiter: bytes) -> Encode:
    return lambda message: delimiter.join(map(_printable, message)) + b"\n"


def _printable(part: bytes) -> bytes:
    text = part.decode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
        )
    return text.encode()


def _to_hex(message: Message) -> bytes:
    return " ".join(part.hex() or "-" for part in message).encode() + b"\n"


def _to_json(message: Message) -> bytes:
    return json.dumps([_of_part(part) for part in message], ensure_ascii=False).encode() + b"\n"


def _of_part(part: bytes) -> str | dict[str, str]:
    try:
        return part.decode()
    except UnicodeDecodeError:
        return {"hex": part.hex()}


def _to_lengths(message: Message) -> bytes:
    pieces = [_number.pack(len(message))]
    for part in message:
        pieces += (_number.pack(len(part)), part)
    return b"".join(pieces)
