"""Campaigns of these tests share the machine with other tests: one thread each."""

import sys

import pytest


@pytest.fixture(autouse=True)
def one_thread():
    """Sets the threads of torch to one, where a test has imported it."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
