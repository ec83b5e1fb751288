"""When it pays to look again at once: gzmtp.patience."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gzmtp.patience import Patience

MOST = 1024


def looks(patience: Patience, times: int, pays: bool) -> int:
    """How often of so many times it was looked again."""
    looked = 0
    for _ in range(times):
        if patience.left():
            looked += 1
            (patience.paid if pays else patience.wasted)()
    return looked


def test_what_always_pays_is_always_done():
    assert looks(Patience(1.0), 1000, pays=True) == 1000


def test_none_is_none():
    assert looks(Patience(0.0), 1000, pays=True) == 0


def test_what_never_pays_is_hardly_ever_done():
    patience = Patience(1.0)
    assert looks(patience, 2 * MOST, pays=False) <= 11
    assert looks(patience, 10 * MOST, pays=False) <= 10


def test_how_seldom_it_may_become_can_be_said():
    patience = Patience(1.0, 3)
    looks(patience, 100, pays=False)
    assert looks(patience, 900, pays=False) == 100  # one of nine: eight are left out


@given(st.lists(st.booleans(), max_size=200))
def test_it_comes_back_with_success(history):
    patience = Patience(1.0)
    for pays in history:
        looks(patience, 1, pays)
    looks(patience, MOST + 10, pays=True)
    assert looks(patience, 100, pays=True) == 100
