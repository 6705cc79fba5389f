"""How the catalogue was chosen: which characters are classes, and in which fonts.

Run by hand (`python -m taskgen.generators.glyphs.selection`), and again only for a new version of
the family: tasks name their classes, so what they mean must not depend on the fonts of a machine.

Characters are taken script by script. One that looks in its first font like a class that is
there already, in any font and turned by any quarter, is left out; so is a further font in which a
class looks like another. So no class is known from another script, nor two classes of one task
alike. In the catalogue the characters of a script stand in such an order that neighbours are
alike, which is how tasks find classes that are hard to tell apart.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator

import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from taskgen.generators.glyphs.catalogue import PATH
from taskgen.generators.glyphs.looks import WIDTH, distances, looks_of, pixels_of_rasters, turned
from taskgen.generators.glyphs.rendering import NoInk, font_folder, raster

MIN_DISTANCE = 0.08
"""Two classes differ at least by this: |x − y|² / (|x|² + |y|²) of their blurred rasters."""
MIN_CLASSES = 20
"""Scripts of fewer characters are left out, unless they are set apart."""

FONTS = (
    "DejaVuSans",
    "DejaVuSerif",
    "DejaVuSansMono",
    "STIXGeneral",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "DejaVuSerif-BoldItalic",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-Oblique",
    "DejaVuSansMono-BoldOblique",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "STIXGeneralBolIta",
    "cmr10",
    "cmss10",
    "cmtt10",
    "cmti10",
    "cmb10",
)
"""The plainest first: a class is known by how it looks in the first that has it."""

SET_APART = ("ogham", "old-italic", "nko")
"""Small scripts that no parameters draw: what the named suites are made of."""

LETTERS = {
    "ogham": "OGHAM",
    "old-italic": "OLD ITALIC",
    "coptic": "COPTIC",
    "nko": "NKO",
    "tifinagh": "TIFINAGH",
    "lao": "LAO",
    "hebrew": "HEBREW",
    "armenian": "ARMENIAN",
    "georgian": "GEORGIAN",
    "greek": "GREEK",
    "cyrillic": "CYRILLIC",
    "canadian": "CANADIAN SYLLABICS",
    "arabic": "ARABIC",
    "latin": "LATIN",
}
"""Scripts by how the names of their letters and digits begin; the first to take a shape has it."""

BLOCKS = {
    "symbols": ((0x2600, 0x26FF),),
    "dingbats": ((0x2700, 0x27BF),),
    "arrows": ((0x2190, 0x21FF), (0x27F0, 0x27FF), (0x2900, 0x297F), (0x2B00, 0x2BFF)),
    "technical": ((0x2300, 0x23FF),),
    "geometry": ((0x25A0, 0x25FF), (0x2580, 0x259F)),
    "boxes": ((0x2500, 0x257F),),
    "currency": ((0x20A0, 0x20CF), (0x24, 0x24), (0xA2, 0xA5)),
    "brackets": ((0x2980, 0x29FF), (0x27C0, 0x27EF)),
    "operators": ((0x2200, 0x22FF), (0x2A00, 0x2AFF)),
    "braille": ((0x2800, 0x28FF),),
}
"""Scripts of symbols, as ranges of code points."""

FIRST = "".join(map(chr, range(0x30, 0x7F)))
"""Characters that keep their shapes before all others: the digits and letters that all know."""

_NONE = np.empty((0, WIDTH), dtype=np.float32)


def main() -> None:
    """Writes the catalogue."""
    fonts_of = _fonts_of_characters()
    chosen: dict[str, dict[str, int]] = {}
    kept = _Kept()
    for script, character in _candidates(fonts_of):
        fonts, looks = _drawn(character, fonts_of[character])
        apart = kept.nearest(looks) >= MIN_DISTANCE
        if apart[:1].any():
            kept.add(looks[apart])
            bits = sum(1 << font for font, one in zip(fonts, apart, strict=True) if one)
            chosen.setdefault(script, {})[character] = bits
    scripts = {
        name: _in_order(characters)
        for name, characters in sorted(chosen.items())
        if name in SET_APART or len(characters) >= MIN_CLASSES
    }
    PATH.write_text(_as_text(scripts), encoding="utf-8")


def _fonts_of_characters() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, font in enumerate(FONTS):
        for code in FT2Font(str(font_folder() / f"{font}.ttf")).get_charmap():
            # Beyond the first block these five have codes of their own.
            if code < 0x7F or not font.startswith("cm"):
                found.setdefault(chr(code), []).append(index)
    return found


def _candidates(fonts_of: dict[str, list[int]]) -> Iterator[tuple[str, str]]:
    """Yields (script, character), those first whose shapes are kept before others."""
    members = {(_script(character), character) for character in fonts_of}
    order = [*LETTERS, *BLOCKS]
    named = [(name, character) for name, character in members if name]
    yield from sorted(named, key=lambda m: (m[1] not in FIRST, order.index(m[0]), m[1]))


def _script(character: str) -> str:
    name, category = unicodedata.name(character, ""), unicodedata.category(character)
    if category[0] in "LN":
        if name.startswith("DIGIT") and ord(character) < 0x7F:
            return "latin"
        return next((key for key, start in LETTERS.items() if name.startswith(start + " ")), "")
    for key, ranges in BLOCKS.items():
        if category[0] == "S" and any(low <= ord(character) <= high for low, high in ranges):
            return key
    return ""


def _drawn(character: str, fonts: list[int]) -> tuple[list[int], NDArray[np.float32]]:
    """Returns the fonts that have ink for a character, and how it looks in each."""
    able, rasters = [], []
    for font in fonts:
        try:
            rasters.append(raster(FONTS[font], character))
            able.append(font)
        except NoInk:
            continue
    return able, looks_of(pixels_of_rasters(np.array(rasters))) if able else _NONE


class _Kept:
    """How all that is kept looks, in room for more."""

    def __init__(self) -> None:
        self._looks = np.empty((1024, WIDTH), dtype=np.float32)
        self._num = 0

    def add(self, looks: NDArray[np.float32]) -> None:
        if self._num + len(looks) > len(self._looks):
            self._looks = np.concatenate([self._looks, np.empty_like(self._looks)])
        self._looks[self._num : self._num + len(looks)] = looks
        self._num += len(looks)

    def nearest(self, looks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the distance to the nearest of what is kept, under every quarter turn, [P]."""
        ways = distances(np.concatenate(turned(looks)), self._looks[: self._num])
        return ways.min(axis=1, initial=np.inf).reshape(4, -1).min(axis=0)


def _as_text(scripts: dict[str, dict[str, object]]) -> str:
    """Returns the catalogue as JSON, a line for the characters of a script, one for their fonts."""
    parts = [
        f'  "{name}": {{\n   "glyphs": {json.dumps(entry["glyphs"], ensure_ascii=False)},\n'
        f'   "fonts": {json.dumps(entry["fonts"], separators=(",", ":"))}\n  }}'
        for name, entry in scripts.items()
    ]
    head = f'{{\n "fonts": {json.dumps(FONTS)},\n "set_apart": {json.dumps(SET_APART)},\n'
    return head + ' "scripts": {\n' + ",\n".join(parts) + "\n }\n}\n"


def _in_order(characters: dict[str, int]) -> dict[str, object]:
    """Returns a script in an order in which neighbours look alike."""
    names = list(characters)
    bases = [FONTS[(bits & -bits).bit_length() - 1] for bits in characters.values()]
    rasters = [raster(font, name) for font, name in zip(bases, names, strict=True)]
    looks = looks_of(pixels_of_rasters(np.array(rasters)))
    apart = squareform(np.clip(distances(looks, looks), 0.0, None), checks=False)
    order = leaves_list(optimal_leaf_ordering(linkage(apart, "average"), apart)).tolist()
    glyphs = "".join(names[i] for i in order)
    return {"glyphs": glyphs, "fonts": [characters[names[i]] for i in order]}


if __name__ == "__main__":
    main()
