"""When it pays to look again at once: gzmtp.hub.adaptive_spin."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gzmtp.hub.adaptive_spin import AdaptiveSpin

MOST = 1024


def looks(patience: AdaptiveSpin, times: int, pays: bool) -> int:
    """How often of so many times it was looked again."""
    looked = 0
    for _ in range(times):
        if patience.allowed():
            looked += 1
            (patience.hit if pays else patience.miss)()
    return looked


def test_what_always_pays_is_always_done():
    assert looks(AdaptiveSpin(1.0), 1000, pays=True) == 1000


def test_none_is_none():
    assert looks(AdaptiveSpin(0.0), 1000, pays=True) == 0


def test_what_never_pays_is_hardly_ever_done():
    patience = AdaptiveSpin(1.0)
    assert looks(patience, 2 * MOST, pays=False) <= 11
    assert looks(patience, 10 * MOST, pays=False) <= 10


def test_how_seldom_it_may_become_can_be_said():
    patience = AdaptiveSpin(1.0, 3)
    looks(patience, 100, pays=False)
    assert looks(patience, 900, pays=False) == 100  # one of nine: eight are left out


@given(st.lists(st.booleans(), max_size=200))
def test_it_comes_back_with_success(history):
    patience = AdaptiveSpin(1.0)
    for pays in history:
        looks(patience, 1, pays)
    looks(patience, MOST + 10, pays=True)
    assert looks(patience, 100, pays=True) == 100


def test_what_comes_late_again_and_again_was_not_worth_it():
    patience = AdaptiveSpin(1.0)
    for _ in range(200):
        if patience.allowed():
            patience.late()
    assert looks(patience, 100, pays=True) < 100


def test_a_few_late_ones_may_be_the_beginning_of_something():
    patience = AdaptiveSpin(1.0)
    for _ in range(5):
        assert patience.allowed()
        patience.late()
    assert looks(patience, 100, pays=True) == 100
