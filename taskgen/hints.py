"""What an error adds to help: the word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_word(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Returns the known word that is most like the given one, None if none is like it.

    Args:
        word: as it was typed.
        known: what it may be.
        cutoff: how alike they must be, in [0, 1].

    Example:
        >>> nearest_word("roms", ["rooms", "wilson"]), nearest_word("x", ["rooms"])
        ('rooms', None)
    """
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns " (did you mean …?)" with the nearest known word, "" if none is near.

    Example:
        >>> did_you_mean("roms", ["rooms", "wilson"]), did_you_mean("x", ["rooms"])
        (' (did you mean rooms?)', '')
    """
    near = nearest_word(word, known)
    return f" (did you mean {near}?)" if near else ""


def either(words: Iterable[str]) -> str:
    """Returns words as a choice.

    Example:
        >>> either(["a"]), either(["a", "b", "c"])
        ('a', 'a, b or c')
    """
    *rest, last = words
    return f"{', '.join(rest)} or {last}" if rest else last
