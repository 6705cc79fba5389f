"""What Optuna's dashboards can read of a search: a file with a study of each generation.

It is written for people; a search never reads its trials back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial

_STUDY = "generation-{}"
_LOCK_GRACE_S = 3
_log = logging.getLogger(__name__)


class OptunaJournal:
    """A journal file of Optuna's, one study "generation-<g>" a generation.

    Args:
        path: of the file; one that cannot be read is set aside.
    """

    def __init__(self, path: Path) -> None:
        self._storage = _open(path)

    def drop_from(self, generation: int) -> None:
        """Removes what an interrupted or abandoned future left there."""
        gone = [_STUDY.format(g) for g in self._generations() if g >= generation]
        for name in gone:
            optuna.delete_study(study_name=name, storage=self._storage)

    def write(
        self, generation: int, trials: Sequence[FrozenTrial], **attributes: str | float | None
    ) -> None:
        """Writes the study of a generation, in place of any that is there.

        Args:
            generation: its number.
            trials: that are over.
            attributes: of the study, for its readers.
        """
        self.drop_from(generation)
        study = optuna.create_study(
            study_name=_STUDY.format(generation), direction="maximize", storage=self._storage
        )
        for name, value in attributes.items():
            study.set_user_attr(name, value)
        study.add_trials(trials)

    def _generations(self) -> list[int]:
        prefix = _STUDY.format("")
        names = optuna.get_all_study_names(self._storage)
        return [int(n.removeprefix(prefix)) for n in names if n.removeprefix(prefix).isdigit()]


def _open(path: Path) -> JournalStorage:
    """Returns the journal as a storage; one that cannot be read is set aside.

    A process that dies while writing leaves half a line, which would spoil the next one.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    _cut_half_line(path)
    lock = JournalFileOpenLock(str(path), grace_period=_LOCK_GRACE_S)
    try:
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
    except (ValueError, KeyError, TypeError) as error:
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        _log.warning(
            "the journal %s cannot be read (%r); it now lies at %s and a new one is begun. "
            "The campaign is not affected, since nothing is read back from it.",
            path,
            error,
            aside,
        )
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _cut_half_line(path: Path) -> None:
    data = path.read_bytes() if path.exists() else b""
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)
