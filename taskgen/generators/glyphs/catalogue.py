"""The classes: which characters of which scripts, and in which of matplotlib's fonts.

They are read from `catalogue.json`, which `selection` wrote once, so that a task means the same
whatever fonts a machine has. Classes are numbered script by script, and within one in an order
in which neighbours look alike. Axes: C classes, A scripts, P pairs of class and font.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PATH = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True)
class Catalogue:
    """All classes.

    Args:
        fonts: file names in matplotlib's folder, without their ending.
        scripts: names, [A]; those that are set apart come last.
        num_dealt: how many of them are not set apart.
        starts: the first class of each script, [A].
        sizes: how many classes it has, [A].
        codes: the code point of each class, [C].
        pair_starts: the first pair of each class, [C]; a class's first font is its plainest.
        pair_counts: in how many fonts it is drawn, [C].
        pair_fonts: the font of each pair, [P].
    """

    fonts: tuple[str, ...]
    scripts: tuple[str, ...]
    num_dealt: int
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    codes: NDArray[np.int64]
    pair_starts: NDArray[np.int64]
    pair_counts: NDArray[np.int64]
    pair_fonts: NDArray[np.int64]

    @functools.cached_property
    def script_of(self) -> NDArray[np.int64]:
        """The script of each class, [C]."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @functools.cached_property
    def pair_codes(self) -> NDArray[np.int64]:
        """The code point of each pair, [P]."""
        return np.repeat(self.codes, self.pair_counts)

    @functools.cached_property
    def _by_code(self) -> NDArray[np.int64]:
        return np.argsort(self.codes)

    def classes_of(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the class of each code point, −1 where there is none; of any shape."""
        ordered = self.codes[self._by_code]
        places = np.minimum(np.searchsorted(ordered, codes), len(ordered) - 1)
        return np.where(ordered[places] == codes, self._by_code[places], -1)


@functools.cache
def catalogue() -> Catalogue:
    """Returns the catalogue, read once."""
    data = json.loads(PATH.read_text(encoding="utf-8"))
    scripts = data["scripts"]
    apart = data["set_apart"]
    names = [*(name for name in scripts if name not in apart), *apart]
    glyphs = "".join(scripts[name]["glyphs"] for name in names)
    has_font = _bits([bits for name in names for bits in scripts[name]["fonts"]])
    sizes = np.array([len(scripts[name]["glyphs"]) for name in names])
    counts = has_font.sum(axis=1)
    return Catalogue(
        fonts=tuple(data["fonts"]),
        scripts=tuple(names),
        num_dealt=len(names) - len(apart),
        starts=np.cumsum(sizes) - sizes,
        sizes=sizes,
        codes=codes_of([glyphs])[0],
        pair_starts=np.cumsum(counts) - counts,
        pair_counts=counts,
        pair_fonts=np.nonzero(has_font)[1],
    )


def codes_of(texts: list[str] | NDArray[np.str_]) -> NDArray[np.int64]:
    """Returns the code points of B texts of one length N, [B, N].

    Example:
        >>> codes_of(["ab", "ba"])
        array([[97, 98], [98, 97]])
    """
    array = np.ascontiguousarray(texts, dtype=np.str_)
    return array.view(np.uint32).reshape(len(array), -1).astype(np.int64)


def texts_of(codes: NDArray[np.int64]) -> NDArray[np.str_]:
    """Returns the texts of code points [B, N], [B].

    Example:
        >>> texts_of(np.array([[97, 98], [98, 97]])).tolist()
        ['ab', 'ba']
    """
    return np.ascontiguousarray(codes, dtype=np.uint32).view(f"U{codes.shape[1]}")[:, 0]


def _bits(values: list[int]) -> NDArray[np.bool_]:
    """Returns which bits are set, the lowest first, [len(values), bits]."""
    array = np.array(values)
    return (array[:, None] >> np.arange(int(array.max()).bit_length()) & 1).astype(bool)
