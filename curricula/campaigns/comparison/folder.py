"""What a comparison keeps on disk: which arms, which seeds, and what each run came to.

```
<root>/comparisons/<name>/
  comparison.json          arms with their resolved campaigns, seeds, env steps of a run
  campaigns/<arm>-<seed>/  a campaign each; `taskgen status --root <this folder>` looks into them
  results/<arm>-<seed>.json  what a run came to on the common test; where it is, nothing runs again
  references.json          random play and oracle on the common test
  failures/<arm>-<seed>.txt  why a run failed
  table.json table.md comparison.png   of the results that are there
```
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curricula.campaigns.comparison.arms import Arm, settled
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.store.checkpoint import CampaignError
from curricula.campaigns.store.files import write_atomically

_SPECIFICATION = "comparison.json"


@dataclass(frozen=True)
class Run:
    """One training of one arm."""

    arm: str
    seed: int

    @property
    def name(self) -> str:
        """What its campaign and its files are called."""
        return f"{self.arm}-{self.seed}"


class Comparison:
    """The folder of one comparison.

    Make one with `Comparison.begin`, which takes up what is there.

    Args:
        folder: where it lies.

    Raises:
        CampaignError: if there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        file = self.folder / _SPECIFICATION
        if not file.is_file():
            raise CampaignError(f"{folder} holds no comparison ({_SPECIFICATION}).")
        self._said: dict[str, Any] = json.loads(file.read_text("utf-8"))

    @classmethod
    def begin(cls, folder: Path, arms: Sequence[Arm], num_seeds: int) -> Comparison:
        """Returns a comparison, new or taken up; arms and seeds can be added, nothing changed.

        Args:
            folder: where it lies or will lie.
            arms: as `prepared` makes them; the first is what the others are held against.
            num_seeds: seeds 0 to `num_seeds` − 1 of every arm.

        Raises:
            CampaignError: if an arm, or what all share, is not what it was.
        """
        known = cls(folder)._said if (folder / _SPECIFICATION).is_file() else {"arms": []}
        before = {entry["name"]: entry for entry in known["arms"]}
        for arm in arms:
            entry = before.get(arm.name)
            if entry is not None and entry["given"] != _plain(arm.config):
                raise CampaignError(
                    f"{folder} compares another {arm.name}: "
                    f"{_difference(entry['given'], _plain(arm.config))}. What was measured stays "
                    f"what it is; choose another --name for this one."
                )
        others = [entry for entry in known["arms"] if entry["name"] not in [a.name for a in arms]]
        fresh = {arm.name: arm for arm in settled([a for a in arms if a.name not in before])}
        entries = [before.get(a.name) or _entry(a, fresh[a.name]) for a in arms] + others
        said = {
            "version": 1,
            "arms": entries,
            "seeds": max(num_seeds, known.get("seeds", 0)),
            "env_steps": arms[0].config.budget.env_steps,
        }
        _require_one_test(entries, said["env_steps"], folder)
        write_atomically(folder / _SPECIFICATION, json.dumps(said, indent=1).encode())
        return cls(folder)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.folder.name

    @property
    def arms(self) -> dict[str, str]:
        """The arms' names with their notes, the one that the others are held against first."""
        return {entry["name"]: entry["note"] for entry in self._said["arms"]}

    @property
    def num_seeds(self) -> int:
        """How many seeds there are of every arm."""
        return int(self._said["seeds"])

    @property
    def env_steps(self) -> int:
        """The budget of every run."""
        return int(self._said["env_steps"])

    def config(self, run: Run) -> CampaignConfig:
        """Returns the campaign of a run."""
        (entry,) = (e for e in self._said["arms"] if e["name"] == run.arm)
        config = CampaignConfig.model_validate(entry["config"])
        return config.model_copy(update={"name": run.name, "seed": run.seed})

    def runs(self) -> list[Run]:
        """Returns all runs, seed by seed, so that what is there early compares all arms."""
        return [Run(arm, seed) for seed in range(self.num_seeds) for arm in self.arms]

    def missing(self) -> list[Run]:
        """Returns the runs that have no result."""
        return [run for run in self.runs() if not self.result_file(run).is_file()]

    def result_file(self, run: Run) -> Path:
        """Returns where the result of a run lies or will lie."""
        return self.folder / "results" / f"{run.name}.json"

    def results(self) -> list[dict[str, Any]]:
        """Returns the results that are there."""
        files = [self.result_file(run) for run in self.runs()]
        return [json.loads(file.read_text("utf-8")) for file in files if file.is_file()]

    def failure_file(self, run: Run) -> Path:
        """Returns where a run leaves the reason why it failed."""
        return self.folder / "failures" / f"{run.name}.txt"

    def used_env_steps(self, run: Run) -> int:
        """Returns how many env steps a run's newest commit has used."""
        commits = sorted((self.folder / "campaigns" / run.name / "commits").glob("*.json"))
        if not commits:
            return 0
        return int(json.loads(commits[-1].read_text("utf-8"))["totals"]["env_steps"])


def _entry(given: Arm, resolved: Arm) -> dict[str, Any]:
    return {
        "name": given.name,
        "note": given.note,
        "given": _plain(given.config),
        "config": _plain(resolved.config),
    }


def _plain(config: CampaignConfig) -> dict[str, Any]:
    """Returns a configuration as JSON gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(config.model_dump(mode="json")))
    return found


def _require_one_test(entries: Sequence[dict[str, Any]], env_steps: int, folder: Path) -> None:
    """Raises an error where arms from earlier and those of now are no comparison."""
    first = entries[0]["config"]
    for entry in entries[1:]:
        config = entry["config"]
        shared = ("generator", "splits", "lifetime")
        differing = [name for name in shared if config[name] != first[name]]
        differing += ["budget"] if config["budget"]["env_steps"] != env_steps else []
        if differing:
            raise CampaignError(
                f"{folder} has the arm {entry['name']} with another {', '.join(differing)}; "
                f"choose another --name."
            )


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Returns the sections in which two configurations differ, for people."""
    differing = [name for name in now if before.get(name) != now[name]]
    return f"its {', '.join(differing)} differ{'s' if len(differing) == 1 else ''}"
