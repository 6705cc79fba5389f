"""A campaign goes on where its numbers stay what they are, or says that they do not."""

import os

import pytest

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.sight.tracking import NullDisplay
from curricula.campaigns.store import machine as machine_module
from curricula.campaigns.store.checkpoint import CampaignError
from curricula.campaigns.store.machine import Machine, differences, machine_facts
from curricula.campaigns.store.signing import signed, unsigned
from learners import precision
from tests.curricula.campaigns.tiny import tiny_config

BFLOAT16 = {"options": {"cell": "lstm", "precision": "bfloat16"}}


def with_unit(monkeypatch, there):
    monkeypatch.setattr(precision, "has_bfloat16_unit", lambda: there)


def created(root, **changes):
    return Campaign.create(tiny_config(**changes), root)


def test_what_a_unit_computed_is_not_gone_on_with_without_one(tmp_path, monkeypatch):
    with_unit(monkeypatch, True)
    folder = created(tmp_path, learner=BFLOAT16).folder
    Campaign.resume(folder)
    with_unit(monkeypatch, False)
    with pytest.raises(CampaignError, match="precision was bfloat16, in a unit") as error:
        Campaign.resume(folder)
    assert "without a unit" in str(error.value)
    assert "taskgen resume tiny --other-machine" in str(error.value)


def test_who_chose_bfloat16_without_a_unit_can_go_on_without_one(tmp_path, monkeypatch):
    with_unit(monkeypatch, False)
    campaign = created(tmp_path, learner=BFLOAT16)
    assert "has no unit for it" in campaign.machine.sentence
    assert Campaign.resume(campaign.folder).machine == campaign.machine


def test_a_unit_that_is_not_used_decides_nothing(tmp_path, monkeypatch):
    with_unit(monkeypatch, True)
    folder = created(tmp_path).folder
    with_unit(monkeypatch, False)
    Campaign.resume(folder)


@pytest.mark.parametrize("changed", ["processor", "versions", "cores"])
def test_another_processor_version_or_too_few_cores_are_refused(tmp_path, monkeypatch, changed):
    monkeypatch.setattr(machine_module, "usable_cores", lambda: 4)
    folder = created(tmp_path, executor={"threads": 4}).folder
    Campaign.resume(folder)
    if changed == "processor":
        monkeypatch.setattr(machine_module, "processor", lambda: "an abacus")
    elif changed == "versions":
        monkeypatch.setattr(machine_module, "package_versions", lambda: {"torch": "9.9"})
    else:
        monkeypatch.setattr(machine_module, "usable_cores", lambda: 2)
    expected = {
        "processor": "is an abacus",
        "versions": "torch version was .*, is 9.9",
        "cores": "threads was 4, is 2",
    }
    with pytest.raises(CampaignError, match=expected[changed]):
        Campaign.resume(folder)


def test_more_cores_than_threads_change_nothing(tmp_path, monkeypatch):
    folder = created(tmp_path).folder
    monkeypatch.setattr(machine_module, "usable_cores", lambda: 64)
    Campaign.resume(folder)


def test_cores_are_those_that_the_process_may_run_on(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3, 5, 7}, raising=False)
    assert machine_module.usable_cores() == 3
    monkeypatch.delattr("os.sched_getaffinity")
    assert machine_module.usable_cores() == 64
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert machine_module.usable_cores() == 1


def test_threads_wait_asleep_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    machine_module.wait_patiently()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    machine_module.wait_patiently()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_going_on_elsewhere_is_written_down_for_good(finished, monkeypatch):
    folder = finished / "campaigns" / "tiny"
    monkeypatch.setattr(machine_module, "processor", lambda: "an abacus")
    campaign = Campaign.resume(folder, other_machine=True)
    assert Campaign.resume(folder, other_machine=True).store.machine()["moves"] == []
    campaign.run()
    again = Campaign.resume(folder)
    (move,) = again.machine.moves
    assert move["after_generation"] == 2
    assert move["changes"]["processor"][1] == "an abacus"
    assert "From generation 3 on another machine: processor was " in again.machine.text
    again.run()
    assert len(Campaign.resume(folder).machine.moves) == 1


def test_a_card_that_is_not_there_is_refused_whatever_is_asked_for(finished, monkeypatch):
    folder = finished / "campaigns" / "tiny"
    config, first = folder / "config.yaml", folder / "commits" / "000000.json"
    config.write_text(config.read_text().replace("device: cpu", "device: cuda"))
    record = unsigned(first.read_bytes())
    record["settings"]["learner.options.device"] = "cuda"
    first.write_bytes(signed(record))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(CampaignError, match="torch finds none here"):
        Campaign.resume(folder, other_machine=True)


def test_a_campaign_that_wrote_no_machine_down_goes_on(finished):
    folder = finished / "campaigns" / "tiny"
    (folder / "machine.json").unlink()
    campaign = Campaign.resume(folder)
    assert campaign.machine == Machine("", machine_facts(campaign.config))


def test_the_choice_is_said_before_anything_runs(tmp_path):
    said = []

    class Display(NullDisplay):
        def say(self, message):
            said.append(message)

        def phase(self, generation, name, branches):
            said.append(name)

    Campaign.create(tiny_config(budget={"generations": 1}), tmp_path, display=Display()).run()
    assert said[0] == "Computes with GRU in float32, torch kernel, with 1 thread, as configured."


def test_a_machine_there_and_back():
    machine = Machine("a GRU.", {"a": "1"}).moved_to({"a": "2", "b": "3"}, 4)
    assert Machine.from_json(machine.to_json()) == machine
    assert machine.moved_to({"b": "3", "a": "2"}, 9) == machine
    assert differences({"a": "1"}, machine.facts) == {"a": ("1", "2"), "b": ("none", "3")}
