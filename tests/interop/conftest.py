"""Between processes there is no inproc."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["tcp", "ipc"])
def transport(request):
    return request.param
