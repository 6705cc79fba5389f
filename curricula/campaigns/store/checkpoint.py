"""What a campaign keeps on disk, so that no instant of being killed can lose or double anything.

```
<root>/campaigns/<name>/
  config.yaml           the resolved configuration
  machine.json          where it computes (`curricula.campaigns.store.machine`)
  commits/000003.json   the truth after generation 3 (`curricula.campaigns.store.records`)
  checkpoints/000003.pt learner and curriculum, named and hashed by the commit
  staged/               finished branches of the generation that is running
  lineage/000003.jsonl.gz   every task that was played for the first time, and what it is an edit of
  plays/000003.jsonl.gz     a sample of the tasks of a generation, with the returns of playing them
  seen/000003.npy       digests of the tasks that were trained on
  quarantine/<id>.json  tasks that could not be played; the commits have the reasons
  optuna.journal        the search's own record, rebuilt where it disagrees
  sealed_test.json      every use of the test: the sealed test, suites, tasks from elsewhere
  films/                of the tasks on which the learner ended best, in the middle and worst
  leak_report.json      what the sets of tasks have in common
  mlflow.json           which runs of MLflow belong to it
  lock                  held by the process that runs it
```

Every file is written beside its place, flushed, and renamed into it; the commit comes last. A
checkpoint whose hash is not what the commit says is set aside, and the commit before it counts.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.config import strict_yaml
from curricula.campaigns.config.schema import CampaignConfig, CheckpointConfig
from curricula.campaigns.store.files import load_state, save_state, write_atomically
from curricula.campaigns.store.signing import signed, unsigned
from taskgen.hints import did_you_mean

DEFAULT_ROOT = Path("mlruns")
"""Where campaigns lie unless somebody says otherwise."""

_MAX_QUARANTINED = 1000
_MAX_REASON = 200
_T = TypeVar("_T")


class CampaignError(RuntimeError):
    """A campaign cannot be opened or continued; the message says what to do."""


def campaign_folder(name: str | Path, root: Path) -> Path:
    """Returns the folder of a campaign by its name under the root, or by its path.

    Raises:
        CampaignError: if there is none; the message has those that there are.
    """
    for folder in (root / "campaigns" / str(name), Path(name)):
        if (folder / "config.yaml").is_file():
            return folder
    known = campaign_names(root)
    hint = did_you_mean(str(name), known)
    there = f"there are {', '.join(known)}" if known else "there is none yet"
    raise CampaignError(f"{root} has no campaign {str(name)!r}{hint}; {there}.")


def campaign_names(root: Path) -> list[str]:
    """Returns the names of all campaigns under a root."""
    return sorted(path.parent.name for path in (root / "campaigns").glob("*/config.yaml"))


class CampaignStore:
    """The folder of one campaign.

    Args:
        folder: where it is or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.staged = self.folder / "staged"
        self.journal = self.folder / "optuna.journal"
        self.films = self.folder / "films"
        self._lock: IO[str] | None = None

    def create(self, config: CampaignConfig, machine: Mapping[str, Any]) -> None:
        """Makes the folder and writes where the campaign computes, then its configuration.

        Raises:
            CampaignError: if a campaign is there already.
        """
        if (self.folder / "config.yaml").exists():
            raise CampaignError(
                f"a campaign called {config.name!r} exists already; continue it with "
                f"`taskgen resume {config.name}`, or start another with name=…"
            )
        self.save_machine(machine)
        self.save_config(config)

    def save_machine(self, machine: Mapping[str, Any]) -> None:
        """Writes where the campaign computes."""
        text = json.dumps(machine, indent=1, ensure_ascii=False)
        write_atomically(self.folder / "machine.json", text.encode())

    def machine(self) -> dict[str, Any] | None:
        """Returns where the campaign computes, None where that was never written down."""
        path = self.folder / "machine.json"
        return _understood(path, _json) if path.is_file() else None

    def save_config(self, config: CampaignConfig) -> None:
        """Writes the resolved configuration."""
        text = strict_yaml.dump(config.model_dump(mode="json"))
        write_atomically(self.folder / "config.yaml", text.encode())

    def config(self) -> CampaignConfig:
        """Returns the resolved configuration.

        Raises:
            CampaignError: if it cannot be read.
        """
        return _understood(self.folder / "config.yaml", _config)

    def lock(self) -> None:
        """Makes this process the only one that runs the campaign, until it ends.

        Raises:
            CampaignError: if another process runs it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.unlock()
            raise CampaignError(
                f"another process is running the campaign in {self.folder}; stop it first."
            ) from error

    @property
    def is_running(self) -> bool:
        """Whether a process runs the campaign; asking takes nothing from it."""
        if not (self.folder / "lock").is_file():
            return False
        with (self.folder / "lock").open("r") as probe:
            try:
                fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def unlock(self) -> None:
        """Lets others run the campaign."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def commit(self, record: dict[str, Any], state: Any) -> dict[str, Any]:
        """Writes the checkpoint, then the record, which makes the generation true.

        Returns:
            The record with its "checkpoint" filled in.
        """
        name = f"{record['generation']:06d}"
        digest = save_state(self.folder / "checkpoints" / f"{name}.pt", state)
        record = {**record, "checkpoint": {"file": f"checkpoints/{name}.pt", "sha256": digest}}
        write_atomically(self.folder / "commits" / f"{name}.json", signed(record))
        self.clear_staged()
        return record

    def clear_staged(self) -> None:
        """Deletes the staged results: what they led to is committed, or must be made anew."""
        shutil.rmtree(self.staged, ignore_errors=True)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yields the records that can be read, oldest first."""
        for path in sorted((self.folder / "commits").glob("*.json")):
            record = _read_record(path)
            if record is not None:
                yield record

    def record(self, generation: int) -> dict[str, Any] | None:
        """Returns the record of a generation, None if there is none that can be read."""
        return _read_record(self.folder / "commits" / f"{generation:06d}.json")

    def last(self, *, set_aside: bool = False) -> dict[str, Any] | None:
        """Returns the newest record whose checkpoint is whole, None before the first commit.

        A commit that is damaged, or whose checkpoint is, is passed over with a warning.

        Args:
            set_aside: rename what is damaged, so that it is not met again; only for the process
                that holds the lock.
        """
        for path in sorted((self.folder / "commits").glob("*.json"), reverse=True):
            record = _read_record(path)
            if record is not None and self.is_whole(record):
                return record
            warnings.warn(
                f"commit {path.stem} of {self.folder.name} is damaged; the campaign falls back "
                f"to the commit before it. What is damaged is kept as *.damaged.",
                stacklevel=2,
            )
            if set_aside:
                self._set_aside(path)
        return None

    def state(self, record: dict[str, Any]) -> Any:
        """Returns the state that a record's checkpoint holds."""
        return load_state(self.folder / record["checkpoint"]["file"])

    def save_seen(self, generation: int, digests: Sequence[int]) -> None:
        """Writes which tasks were trained on in a generation, as digests of canonical forms."""
        buffer = io.BytesIO()
        np.save(buffer, np.unique(np.array(digests, dtype=np.int64)))
        write_atomically(self.folder / "seen" / f"{generation:06d}.npy", buffer.getvalue())

    def seen(self) -> NDArray[np.int64]:
        """Returns the digests of all tasks that were ever trained on."""
        paths = sorted((self.folder / "seen").glob("*.npy"))
        parts = [_understood(path, _numbers) for path in paths]
        return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *parts]))

    def save_quarantined(self, tasks: Mapping[str, str]) -> None:
        """Writes tasks that could not be played, JSON by id; a thousand of them are enough."""
        folder = self.folder / "quarantine"
        room = _MAX_QUARANTINED - len(list(folder.glob("*.json"))) if tasks else 0
        fresh = [task_id for task_id in tasks if not (folder / f"{task_id}.json").exists()]
        for task_id in fresh[: max(room, 0)]:
            write_atomically(folder / f"{task_id}.json", tasks[task_id].encode())

    def quarantined(self) -> Iterator[dict[str, Any]]:
        """Yields the tasks that could not be played, as JSON."""
        for path in sorted((self.folder / "quarantine").glob("*.json")):
            yield _understood(path, _json)

    def test_results(self) -> list[dict[str, Any]]:
        """Returns what every use of the test came to, oldest first."""
        path = self.folder / "sealed_test.json"
        return _understood(path, _results) if path.is_file() else []

    def add_test_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Writes down one more use of the test; returns it with the count of uses so far."""
        with (self.folder / "sealed_test.lock").open("w") as guard:
            # A suite may be played while the campaign itself opens the test.
            fcntl.flock(guard, fcntl.LOCK_EX)
            earlier = self.test_results()
            counted = {**result, "uses": len(earlier) + 1}
            data = {"uses": counted["uses"], "results": [*earlier, counted]}
            write_atomically(self.folder / "sealed_test.json", json.dumps(data, indent=1).encode())
        return counted

    def tidy(self, rule: CheckpointConfig, best_generation: int) -> None:
        """Deletes checkpoints that no rule keeps: the last, every k-th, the best, the first."""
        paths = sorted((self.folder / "checkpoints").glob("*.pt"))
        for path in paths[: -rule.keep_last]:
            generation = int(path.stem)
            if generation % rule.keep_every and generation != best_generation:
                path.unlink()

    def is_whole(self, record: dict[str, Any]) -> bool:
        """Whether the checkpoint of a record is there, and what it was when it was committed."""
        path = self.folder / record["checkpoint"]["file"]
        if not path.is_file():
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == record["checkpoint"]["sha256"]

    def _set_aside(self, commit: Path) -> None:
        checkpoint = self.folder / "checkpoints" / f"{commit.stem}.pt"
        for path in (commit, checkpoint):
            if path.exists():
                path.replace(path.with_name(f"{path.name}.damaged"))
        self.clear_staged()


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        record = unsigned(path.read_bytes())
    except (OSError, ValueError):
        return None
    return record if {"generation", "checkpoint"} <= set(record) else None


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _results(path: Path) -> list[dict[str, Any]]:
    return list(_json(path)["results"])


def _config(path: Path) -> CampaignConfig:
    return CampaignConfig.model_validate(strict_yaml.parse(path.read_text(encoding="utf-8")))


def _numbers(path: Path) -> NDArray[np.int64]:
    return np.asarray(np.load(path, allow_pickle=False), dtype=np.int64)


def _understood(path: Path, read: Callable[[Path], _T]) -> _T:
    """Returns what a file says.

    Raises:
        CampaignError: if it is damaged.
    """
    try:
        return read(path)
    except OSError:
        raise
    except Exception as error:  # what readers make of flipped bits is of many kinds
        reason = " ".join(str(error).split())[:_MAX_REASON]
        raise CampaignError(
            f"{path} is damaged ({reason}); put back a copy of it from before."
        ) from error
