"""Fixtures of what is about threads."""

from __future__ import annotations

import threading

import pytest


@pytest.fixture
def thread():
    """thread(call, ...): run it in a native thread; its result or error is there after the test's join."""
    made = []

    class Thread(threading.Thread):
        def __init__(self, call, *arguments):
            super().__init__()
            self.call, self.arguments, self.result, self.error = call, arguments, None, None
            made.append(self)
            self.start()

        def run(self):
            try:
                self.result = self.call(*self.arguments)
            except BaseException as problem:
                self.error = problem

        def get(self):
            self.join(10)
            assert not self.is_alive()
            if self.error:
                raise self.error
            return self.result

    yield Thread
    for each in made:
        each.get()
