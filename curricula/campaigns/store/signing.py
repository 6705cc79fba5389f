"""Records that carry a digest of themselves, so that a flipped bit is seen and not believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_KEY = "sha256"


def signed(record: Mapping[str, Any]) -> bytes:
    """Returns a record as strict JSON with the SHA-256 of the rest as its last field.

    Example:
        >>> unsigned(signed({"generation": 3}))
        {'generation': 3}
    """
    text = _text(record)
    return _text({**record, _KEY: hashlib.sha256(text.encode()).hexdigest()}).encode()


def unsigned(data: bytes) -> dict[str, Any]:
    """Returns the record of what `signed` wrote; one without a digest is taken as it is.

    Raises:
        ValueError: if it is not what was written.
    """
    record = json.loads(data.decode())
    if not isinstance(record, dict):
        raise ValueError(f"a record must be a mapping, got a {type(record).__name__}.")
    digest = record.pop(_KEY, None)
    if digest not in (None, hashlib.sha256(_text(record).encode()).hexdigest()):
        raise ValueError("the record is not what was written: its digest is of another text.")
    return record


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False, ensure_ascii=False)
