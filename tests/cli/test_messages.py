"""The formats: what is written is read again, whatever the pieces in which it comes; what is malformed is told."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzmtp.cli import amounts, messages

pytestmark = pytest.mark.gzmtp_only("the command line is gzmtp's")

PARTS = st.lists(st.binary(max_size=30), min_size=1, max_size=4)
MESSAGES = st.lists(PARTS, max_size=6)


def read(form, data, piece=1 << 20, **options):
    decoder = messages.decoder(form, **options)
    got = []
    for at in range(0, len(data), piece):
        got += decoder.feed(data[at : at + piece])
    return got + list(decoder.end())


@given(MESSAGES, st.integers(1, 40), st.sampled_from(["hex", "json", "length"]))
def test_what_is_written_is_read(sent, piece, form):
    encode = messages.encoder(form)
    assert read(form, b"".join(map(encode, sent)), piece) == sent


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\t\n"), max_size=9), min_size=1, max_size=4)), st.integers(1, 40))
def test_text_with_a_delimiter(sent, piece):
    sent = [[part.encode("utf-8", "surrogatepass") for part in message] for message in sent]
    encode = messages.encoder("text", delimiter=b"\t")
    data = b"".join(map(encode, sent))
    assert read("text", data, piece, delimiter=b"\t") == sent


@given(st.binary(max_size=100), st.integers(1, 30), st.integers(1, 30))
def test_raw_in_pieces(data, piece, size):
    assert b"".join(part for (part,) in read("raw", data, piece, size=size)) == data
    assert all(len(part) == size for (part,) in read("raw", data, piece, size=size)[:-1])
    assert read("raw", data, piece) == ([[data]] if data else [])


@pytest.mark.parametrize(
    "form, data, options, expected",
    [
        ("text", b"a\nb", {}, [[b"a"], [b"b"]]),
        ("text", b"a b\tc\n\n", {}, [[b"a b\tc"], [b""]]),
        ("text", b"a,b\n", {"delimiter": b","}, [[b"a", b"b"]]),
        ("text", b"id\n\nbody\n", {"lines": 3}, [[b"id", b"", b"body"]]),
        ("hex", b"00ff -  61\n", {}, [[b"\0\xff", b"", b"a"]]),
        ("json", b'["a", {"hex": "00ff"}, "", {"hex": ""}, {"x": 1}, 2]\n"one"\n{"k":null}', {},
         [[b"a", b"\0\xff", b"", b"", b'{"x":1}', b"2"], [b"one"], [b'{"k":null}']]),
    ],
)  # fmt: skip
def test_read(form, data, options, expected):
    assert read(form, data, **options) == expected


@pytest.mark.parametrize(
    "form, data, options, said",
    [
        ("hex", b"00\nxy\n", {}, "line 2: 'xy' is not hexadecimal"),
        ("hex", b"\n", {}, "line 1: no part"),
        ("json", b"[1\n", {}, "line 1: "),
        ("json", b"[]\n", {}, "line 1: a message has at least one part"),
        ("length", b"\xff\xff\xff\xff", {}, "this is not format length"),
        ("length", b"\0\0\0\1\0\0\0\5abc", {}, "ends within a message"),
        ("text", b"a\nb\nc\n", {"lines": 2}, "1 of 2 parts"),
    ],
)
def test_what_is_malformed_is_told(form, data, options, said):
    with pytest.raises(messages.Malformed) as caught:
        read(form, data, **options)
    assert said in str(caught.value)


def test_a_terminal_is_not_written_to_unescaped():
    encode = messages.encoder("text", delimiter=b"\t", escaped=True)
    assert encode([b"\x1b[31m", "déjà\u202e".encode(), b"\xff\n"]) == "\\x1b[31m\tdéjà\\u202e\t\\xff\\n\n".encode()


@pytest.mark.parametrize(
    "read_, text, value",
    [
        (amounts.size, "64", 64), (amounts.size, "64k", 65536), (amounts.size, "1KiB", 1024), (amounts.size, "1kB", 1000),
        (amounts.size, "1.5MiB", 1572864), (amounts.sizes, "1,2k", [1, 2048]),
        (amounts.seconds, "500ms", 0.5), (amounts.seconds, "2m", 120), (amounts.seconds, ".25", 0.25), (amounts.seconds, "0", 0),
        (amounts.rate, "20k", 20000), (amounts.count, "1M", 1000000), (amounts.count, "1.5k", 1500),
    ],
)  # fmt: skip
def test_amounts(read_, text, value):
    assert read_(text) == value


@pytest.mark.parametrize(
    "read_, text",
    [(amounts.size, "x"), (amounts.size, "-1"), (amounts.seconds, "5 x"), (amounts.positive_seconds, "0"),
     (amounts.rate, "0"), (amounts.count, "1.5"), (amounts.count, "nan"), (amounts.seconds, "inf")],
)  # fmt: skip
def test_amounts_that_are_none(read_, text):
    with pytest.raises(argparse.ArgumentTypeError):
        read_(text)


def test_amounts_as_text():
    assert [amounts.count_text(n) for n in (0, 5, 1.26, 12, 999, 1234, 56789, 1e6)] == [
        "0", "5", "1.3", "12", "999", "1.23 k", "56.8 k", "1.00 M",
    ]  # fmt: skip
    assert [amounts.bytes_text(n) for n in (0, 999, 1500, 2.5e9)] == ["0 B", "999 B", "1.50 kB", "2.50 GB"]
    assert [amounts.seconds_text(n) for n in (0.00005, 0.0123, 2.34)] == ["50 us", "12.30 ms", "2.3 s"]
