"""One game of the native library: steps, states and the frame that it shows.

The wheel's own Python needs an old `gym`, which warns on import and does not know numpy 2; the
library beneath it needs neither. This module finds the library in the wheel, without importing it,
and calls its C interface (libenv, version 1). Every slot has an instance of its own, so that games
stand side by side and one whose lifetime is over costs nothing. Calls release Python's lock.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.procgen.games import MODES, is_made

RESOLUTION = 64
"""Rows and columns of what a player sees."""
LARGE_RESOLUTION = 512
NUM_ACTIONS = 15
RESET = -1
"""The action that starts the game over."""
_INTERFACE_VERSION = 1
_UINT8, _INT32 = 1, 2
_MAX_STATE_BYTES = 2**20


class Unavailable(ImportError):
    """The wheel of the games is not installed; the message says how to get it."""


@dataclass(frozen=True)
class Look:
    """How levels are drawn; fixed for a campaign.

    Args:
        backgrounds: pictures behind the level; False: black.
        monochrome: one colour a kind of thing in place of pictures.
        restrict_themes: one picture a kind of thing, in place of several.
        paint_velocity: the player's velocity as two grey squares in a corner.
        center_agent: the view follows the player; False: all is seen, where the game allows it.
    """

    backgrounds: bool = True
    monochrome: bool = False
    restrict_themes: bool = False
    paint_velocity: bool = False
    center_agent: bool = True


class Buffers:
    """What the games of B slots read and write.

    `actions` int32 [B] are read; `frames` [B, 64, 64, 3], `rewards` float32 [B], `first` and
    `complete` bool [B] are written: whether the frame is an episode's first, since the last step
    ended one, and whether that step reached the goal. `large` [B, 512, 512, 3] is for people.

    Args:
        num_slots: B.
        large: whether `large` is drawn, which takes several times as long as a step.
    """

    def __init__(self, num_slots: int, *, large: bool = False) -> None:
        self.actions = np.zeros(num_slots, dtype=np.int32)
        self.frames = np.zeros((num_slots, RESOLUTION, RESOLUTION, 3), dtype=np.uint8)
        self.rewards = np.zeros(num_slots, dtype=np.float32)
        self.first, self.complete = np.zeros((2, num_slots), dtype=bool)
        self.levels, self.previous_levels = np.zeros((2, num_slots), dtype=np.int32)
        side = LARGE_RESOLUTION if large else 0
        self.large = np.zeros((num_slots, side, side, 3), dtype=np.uint8)


class NativeGame:
    """One instance of a game, in one slot of the buffers; several may take turns in one.

    Args:
        name: of the game.
        mode: of its levels, one that the game has.
        look: how they are drawn.
        buffers: where it reads its action and writes what it shows.
        slot: its place in them.

    Raises:
        ValueError: if there is no such game, or not in this mode: the library itself would end
            the process.
    """

    def __init__(self, name: str, mode: str, look: Look, buffers: Buffers, slot: int = 0) -> None:
        if not is_made(name, mode):
            raise ValueError(f"there is no {mode} mode of a game {name}.")
        self._library = library()
        self._buffers, self._slot = buffers, slot
        options, self._kept = _options(name, mode, look, large=buffers.large.size > 0)
        self.handle = ctypes.c_void_p(self._library.libenv_make(1, options))
        self._set_buffers()

    def act(self, action: int) -> None:
        """Takes one step; an episode that ends in it is followed by the next one's first frame."""
        self._buffers.actions[self._slot] = action
        self._library.libenv_act(self.handle.value)

    def restart(self) -> None:
        """Starts an episode, whatever the state of the last one."""
        self.act(RESET)

    def state(self) -> bytes:
        """Returns all that decides how the game goes on."""
        room = ctypes.create_string_buffer(_MAX_STATE_BYTES)
        size = self._library.get_state(self.handle, 0, room, _MAX_STATE_BYTES)
        return ctypes.string_at(room, size)

    def load(self, state: bytes) -> None:
        """Takes a state of the same game and mode, and shows it."""
        self._library.set_state(self.handle, 0, state, len(state))

    def draw_large(self) -> NDArray[np.uint8]:
        """Returns a picture for people, [512, 512, 3]."""
        self._library.libenv_observe(self.handle)
        return self._buffers.large[self._slot].copy()

    def close(self) -> None:
        """Frees the instance; twice does no harm."""
        if self.handle:
            self._library.libenv_close(self.handle)
            self.handle = ctypes.c_void_p()

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self.close()

    def _set_buffers(self) -> None:
        own, slot = self._buffers, self._slot
        info = [own.previous_levels, own.complete, own.levels]
        info += [own.large] if own.large.size else []
        self._pointers = _Buffers(
            ob=_addresses([own.frames], slot),
            rew=own.rewards[slot:].ctypes.data,
            first=own.first[slot:].ctypes.data,
            info=_addresses(info, slot),
            ac=_addresses([own.actions], slot),
        )
        self._library.libenv_set_buffers(self.handle, ctypes.byref(self._pointers))


@functools.cache
def library() -> ctypes.CDLL:
    """Returns the native library, loaded once.

    Raises:
        Unavailable: if its wheel is not installed, or speaks another version of the interface.
    """
    folder = _folder()
    if folder is None:
        raise Unavailable(
            "the games come in the wheel procgen-mirror, for Linux on x86-64 and Python up to "
            "3.12, which is not installed: pip install procgen-mirror==0.10.7"
        )
    mode = os.RTLD_NOW | os.RTLD_LOCAL | getattr(os, "RTLD_DEEPBIND", 0)
    loaded = ctypes.CDLL(str(folder / "prebuilt" / "libenv.so"), mode=mode)
    version = loaded.libenv_version()
    if version != _INTERFACE_VERSION:
        raise Unavailable(f"the game library must speak libenv 1, it says {version}.")
    handle = ctypes.c_void_p
    loaded.libenv_make.argtypes, loaded.libenv_make.restype = [ctypes.c_int, _Options], handle
    for name in ("libenv_observe", "libenv_act", "libenv_close"):
        function = getattr(loaded, name)
        function.argtypes, function.restype = [handle], None
    # A number, as compiled loops have it.
    loaded.libenv_act.argtypes = [ctypes.c_size_t]
    loaded.libenv_set_buffers.argtypes = [handle, ctypes.POINTER(_Buffers)]
    loaded.libenv_set_buffers.restype = None
    state: Any = [handle, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    loaded.get_state.argtypes, loaded.get_state.restype = state, ctypes.c_int
    loaded.set_state.argtypes, loaded.set_state.restype = state, None
    return loaded


class _Option(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char * 128),
        ("dtype", ctypes.c_int),
        ("count", ctypes.c_int),
        ("data", ctypes.c_void_p),
    )


class _Options(ctypes.Structure):
    _fields_ = (("items", ctypes.POINTER(_Option)), ("count", ctypes.c_int))


class _Buffers(ctypes.Structure):
    _fields_ = (
        ("ob", ctypes.POINTER(ctypes.c_void_p)),
        ("rew", ctypes.c_void_p),
        ("first", ctypes.c_void_p),
        ("info", ctypes.POINTER(ctypes.c_void_p)),
        ("ac", ctypes.POINTER(ctypes.c_void_p)),
    )


@functools.cache
def _folder() -> Path | None:
    """Returns where the wheel keeps its library and pictures, found without importing it."""
    spec = importlib.util.find_spec("procgen")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "data"
        if (folder / "prebuilt" / "libenv.so").exists():
            return folder
    return None


def _addresses(arrays: list[NDArray[Any]], slot: int) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(array[slot:].ctypes.data for array in arrays))


def _options(name: str, mode: str, look: Look, *, large: bool) -> tuple[_Options, Any]:
    """Returns the options of an instance, and what must live as long as they do."""
    values: dict[str, str | bool | int] = {
        "env_name": name,
        "num_levels": 1,
        "start_level": 0,
        "num_actions": NUM_ACTIONS,
        "rand_seed": 0,
        # The library's own threads are shared out over the games of one instance; here each
        # instance is one game, and whoever steps many has threads of his own.
        "num_threads": 0,
        "render_human": large,
        "resource_root": f"{_folder()}/assets/",
        "use_sequential_levels": False,
        "debug_mode": 0,
        "distribution_mode": MODES[mode],
        "center_agent": look.center_agent,
        "use_generated_assets": False,  # a game that draws its own cannot tell its state
        "use_monochrome_assets": look.monochrome,
        "restrict_themes": look.restrict_themes,
        "use_backgrounds": look.backgrounds,
        "paint_vel_info": look.paint_velocity,
    }
    items, kept = (_Option * len(values))(), []
    for item, (key, value) in zip(items, values.items(), strict=True):
        if isinstance(value, str):
            text = value.encode()
            data: Any = ctypes.create_string_buffer(text)
            item.dtype, item.count = _UINT8, len(text)
        else:
            is_flag = isinstance(value, bool)
            data = ctypes.c_uint8(value) if is_flag else ctypes.c_int32(value)
            item.dtype, item.count = (_UINT8 if is_flag else _INT32), 1
        item.name, item.data = key.encode(), ctypes.addressof(data)
        kept.append(data)
    return _Options(items, len(values)), (items, kept)
