"""The distance fields of all classes in all their fonts: drawn once on a machine, then a file.

Drawing them takes seconds, so they are kept in the user's cache folder, in a file whose name
hashes everything that they depend on. Processes that find none draw their own and put it in
place whole; where nothing can be written each keeps its own in memory.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import __version__ as pillow_version
from PIL import features

from taskgen.generators.glyphs import rendering
from taskgen.generators.glyphs.catalogue import PATH, Catalogue, catalogue

_AT_ONCE = 256
"""Rasters that are held in memory at a time while drawing."""


@functools.cache
def glyph_fields() -> NDArray[np.int8]:
    """Returns the field of every pair of the catalogue, [P, FIELD, FIELD], read-only."""
    return load_or_draw(cache_folder() / f"glyphs-{_digest()}.npy", catalogue())


def cache_folder() -> Path:
    """Returns where the file is kept: `taskgen` under $XDG_CACHE_HOME, or under ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taskgen"


def load_or_draw(path: Path, classes: Catalogue) -> NDArray[np.int8]:
    """Returns the fields of a file, drawn and put there if it is not there or damaged."""
    shape = (len(classes.pair_fonts), rendering.FIELD, rendering.FIELD)
    with contextlib.suppress(OSError, ValueError, EOFError):
        fields = np.asarray(np.load(path, mmap_mode="r"))
        if fields.shape == shape and fields.dtype == np.int8:
            return fields
    fields = _drawn(classes)
    with contextlib.suppress(OSError):  # then it is in memory alone
        _put(path, fields)
    fields.flags.writeable = False
    return fields


def _drawn(classes: Catalogue) -> NDArray[np.int8]:
    fields = np.empty((len(classes.pair_fonts), rendering.FIELD, rendering.FIELD), dtype=np.int8)
    fonts = [classes.fonts[font] for font in classes.pair_fonts]
    characters = [chr(code) for code in classes.pair_codes]
    for first in range(0, len(fields), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        pairs = zip(fonts[part], characters[part], strict=True)
        fields[part] = rendering.fields(np.array([rendering.raster(f, c) for f, c in pairs]))
    return fields


def _put(path: Path, fields: NDArray[np.int8]) -> None:
    """Writes a file that is whole whenever it is seen, whoever else writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, fields)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _digest() -> str:
    """Returns a hash of what the fields depend on: catalogue, code, fonts and rasteriser."""
    parts = [PATH.read_bytes(), Path(rendering.__file__).read_bytes()]
    parts += [pillow_version.encode(), str(features.version("freetype2")).encode()]
    for font in catalogue().fonts:
        parts.append((rendering.font_folder() / f"{font}.ttf").read_bytes())
    return hashlib.sha256(b"\0".join(hashlib.sha256(p).digest() for p in parts)).hexdigest()[:16]
