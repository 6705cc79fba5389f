"""The default store after its folder was moved or copied: it finds its files where it lies now.

MLflow writes down whole addresses of what runs uploaded. Here they all lie beside the database, so
when the folder is found at another place, the addresses are rewritten, each in the same way.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"

_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
)


def relocate(root: Path) -> int:
    """Makes the store in a folder point at the files in that folder.

    An experiment whose files lie elsewhere, because somebody wanted them there, stays as it is.

    Args:
        root: the folder; without a store, nothing is done.

    Returns:
        How many former places were replaced; 0 where the store is at home.
    """
    root = root.resolve()
    database = root / DATABASE
    if not database.is_file():
        return 0
    with closing(sqlite3.connect(database)) as connection, connection:
        former = _former_places(connection, root)
        for place in former:
            for table, column in _ADDRESSES:
                _rewrite(connection, table, column, place, (root / ARTIFACTS).as_uri())
            before = Path(url2pathname(urlsplit(place).path)).parent
            _rewrite(connection, "logged_model_tags", "tag_value", str(before), str(root))
    return len(former)


def _former_places(connection: sqlite3.Connection, root: Path) -> list[str]:
    """The addresses under which files were kept that lie in `root` now."""
    if not _has(connection, "experiments") or not _has(connection, "runs"):
        return []
    here = (root / ARTIFACTS).as_uri()
    rows = connection.execute(
        "select distinct e.artifact_location, r.run_uuid from experiments e join runs r "
        "using (experiment_id) where e.artifact_location like 'file:///%/' || ? "
        "and e.artifact_location != ?",
        (ARTIFACTS, here),
    )
    return sorted({place for place, run in rows if (root / ARTIFACTS / run).is_dir()})


def _rewrite(
    connection: sqlite3.Connection, table: str, column: str, before: str, after: str
) -> None:
    """Replaces the beginning of whole addresses, and of nothing that only looks like them."""
    if _has(connection, table):
        connection.execute(
            f"update {table} set {column} = ? || substr({column}, ?) "
            f"where {column} = ? or substr({column}, 1, ?) = ?",
            (after, len(before) + 1, before, len(before) + 1, f"{before}/"),
        )


def _has(connection: sqlite3.Connection, table: str) -> bool:
    found = "select 1 from sqlite_master where type = 'table' and name = ?"
    return connection.execute(found, (table,)).fetchone() is not None
