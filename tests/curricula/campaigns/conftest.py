"""What tests of campaigns share: one thread each, and a campaign that has been run to its end."""

import shutil
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


@pytest.fixture(scope="session")
def _finished(tmp_path_factory):
    from curricula.campaigns.campaign import Campaign
    from tests.curricula.campaigns.tiny import tiny_config

    config = tiny_config(search="fixed", movable=["size"], generation={"branch_env_steps": 64})
    root = tmp_path_factory.mktemp("finished")
    Campaign.create(config, root).run()
    return root


@pytest.fixture
def finished(_finished, tmp_path):
    """Returns a root with a real, finished campaign called "tiny": two generations of "keep"."""
    shutil.copytree(_finished, tmp_path / "root")
    return tmp_path / "root"
