"""What of a machine decides the last bits of a campaign's numbers, and whether it is still there.

A campaign is resumed to the bit on the machine where it began: the same processor, kernels, threads
and versions. They are written down in `machine.json` when it is made, compared when it is resumed,
and what differs is refused; whoever goes on nevertheless has it written down too.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curricula.campaigns.config.plugins import build
from curricula.campaigns.store.checkpoint import CampaignError
from taskgen.registry import resolve

if TYPE_CHECKING:
    from curricula.campaigns.config.schema import CampaignConfig

PACKAGES = ("taskgen-rl", "torch", "numpy", "numba", "gymnasium", "mujoco", "optuna")
"""Whose version can move a number."""
_UNUSED = "none"


@dataclass(frozen=True)
class Machine:
    """Where a campaign computes.

    Args:
        sentence: what was chosen for this machine when the campaign was made, and why.
        facts: what decides bits, by name.
        moves: {"after_generation", "changes": {name: [before, after]}} of each resume elsewhere.
    """

    sentence: str
    facts: dict[str, str]
    moves: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns it as `machine.json` has it."""
        return {**asdict(self), "moves": list(self.moves)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Machine:
        """Returns what `to_json` returned."""
        return cls(data["sentence"], dict(data["facts"]), tuple(data["moves"]))

    def moved_to(self, facts: dict[str, str], generation: int) -> Machine:
        """Returns this with other facts from the generation after a commit on."""
        changes = {name: list(pair) for name, pair in differences(self.facts, facts).items()}
        if not changes:
            return self
        move = {"after_generation": generation, "changes": changes}
        return replace(self, facts=facts, moves=(*self.moves, move))

    @property
    def text(self) -> str:
        """What was chosen and where it went since, in words; "" where there is nothing to say."""
        moved = [
            f"From generation {move['after_generation'] + 1} on another machine: "
            f"{changes_text(move['changes'])}."
            for move in self.moves
        ]
        return " ".join([*([f"Computes with {self.sentence}"] if self.sentence else []), *moved])


def machine_text(saved: Mapping[str, Any] | None) -> str:
    """Returns `Machine.text` of what `machine.json` holds, "" where there is none."""
    return Machine.from_json(saved).text if saved else ""


def machine_facts(config: CampaignConfig) -> dict[str, str]:
    """Returns what of this machine decides the bits of a resolved campaign's numbers."""
    learner = resolve("learners", config.learner.name)
    cores = usable_cores()
    return {
        "processor": processor(),
        # More threads than cores are not to be had: the libraries then split sums as they like.
        "threads": str(min(config.executor.threads or cores, cores)),
        **{f"{name} version": found for name, found in package_versions().items()},
        **learner.machine(build(learner.Config, config.learner.options)),
    }


def require_available(config: CampaignConfig) -> None:
    """Raises an error where the learner's resolved settings cannot be computed with here.

    Raises:
        CampaignError: with what is missing.
    """
    learner = resolve("learners", config.learner.name)
    missing = learner.unavailable(build(learner.Config, config.learner.options))
    if missing:
        raise CampaignError(
            f"{config.name} cannot go on here: {missing}. Take a machine that has it, or start "
            f"another campaign, which chooses anew for the machine it is on."
        )


def require_same(name: str, then: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raises an error where the machine is not the one that a campaign was computed on.

    Raises:
        CampaignError: with all differences, and what to do.
    """
    changes = differences(then, now)
    if changes:
        raise CampaignError(
            f"{name} would go on with other numbers here than where it began: "
            f"{changes_text(changes)}. Resume it where these are as they were, or go on "
            f"nevertheless with `taskgen resume {name} --other-machine`; it is then written down "
            f"with the campaign that its numbers are of more than one machine."
        )


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Returns what differs, by name: before and after.

    Example:
        >>> differences({"torch": "2.9", "unit": "yes"}, {"torch": "2.9", "card": "new"})
        {'unit': ('yes', 'none'), 'card': ('none', 'new')}
    """
    pairs = {name: (then.get(name, _UNUSED), now.get(name, _UNUSED)) for name in {**then, **now}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def changes_text(changes: Mapping[str, Any]) -> str:
    """Returns differences in words.

    Example:
        >>> changes_text({"torch": ("2.9", "2.10")})
        'torch was 2.9, is 2.10'
    """
    return "; ".join(f"{name} was {then}, is {now}" for name, (then, now) in changes.items())


def usable_cores() -> int:
    """Returns how many cores this process may run on, where the system tells; else all there are.

    A batch system or a container that hands out some of the cores of a machine does so by affinity.
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wait_patiently() -> None:
    """Lets OpenMP's threads sleep while they wait for each other, unless the user has said how.

    By default they spin, and where something else runs on the cores they spin away the time of the
    thread that they wait for. It is read when torch is imported: by processes started from now on.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def package_versions() -> dict[str, str]:
    """Returns the versions of those of `PACKAGES` that are there."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # optional, or used from its source tree
            continue
    return found


def processor() -> str:
    """Returns the processor's name, as exactly as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    told = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    if "model name" not in told:
        return platform.machine()
    numbers = [f"{key} {told[key]}" for key in ("cpu family", "model", "stepping") if key in told]
    return f"{told['model name']} ({', '.join(numbers)})"
