"""Pictures as observations: what counts as one, and the network that reads it.

Pictures stay bytes from the environment to the minibatch: as float32 a batch of lifetimes would
take four times the memory. They become numbers frame by frame in here, a part of the frames at a
time, and what a part keeps for its gradient is computed a second time instead of being kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

PictureShape: TypeAlias = tuple[int, int, int]
"""Rows, columns, channels."""

MIN_SIDE = 8
_MAX_CHANNELS = 4
_FRAMES_AT_ONCE = 512
"""How many frames keep what their gradient needs: about a quarter of a megabyte each."""


@dataclass(frozen=True)
class PictureNetwork:
    """The sizes of what reads pictures.

    Args:
        picture: rows, columns and channels of one.
        channels: of each stage; a stage halves rows and columns.
        num_features: what comes out.
        pooling: side of the squares of pixels of which the mean is taken before anything else;
            1: none. What is left over at the edges makes smaller ones.
    """

    picture: PictureShape
    channels: tuple[int, ...]
    num_features: int
    pooling: int = 1


def picture_shape(space: gymnasium.Space[Any] | None) -> PictureShape | None:
    """Returns the shape of the pictures of a space, None where it holds none.

    A picture is a Box of bytes [rows, columns, channels], at least 8 × 8 and at most 4 channels.

    Example:
        >>> picture_shape(spaces.Box(0, 255, (64, 64, 3), np.uint8))
        (64, 64, 3)
        >>> picture_shape(spaces.Box(0, 1, (5, 5), np.uint8)) is None
        True
    """
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8 or len(space.shape) != 3:
        return None
    rows, columns, channels = space.shape
    if min(rows, columns) < MIN_SIDE or channels > _MAX_CHANNELS:
        return None
    return rows, columns, channels


class PictureEncoder(nn.Module):
    """Reads pictures: stages of a convolution and a residual block, then one layer of units.

    Args:
        shape: its sizes.

    Source:
        Espeholt et al. 2018, "IMPALA" (arXiv:1802.01561), figure 3 right. Here a convolution of
        stride 2 is in the place of one of stride 1 and max pooling, with one residual block a
        stage in place of two, and fewer channels: a fraction of the arithmetic, for processors.
    """

    def __init__(self, shape: PictureNetwork) -> None:
        super().__init__()
        self._pooling = shape.pooling
        rows, columns, before = shape.picture
        rows, columns = -(-rows // shape.pooling), -(-columns // shape.pooling)
        stages = []
        for channels in shape.channels:
            stages.append(_Stage(before, channels))
            rows, columns, before = (rows + 1) // 2, (columns + 1) // 2, channels
        self.stages = nn.Sequential(*stages)
        self.units = nn.Linear(rows * columns * before, shape.num_features)

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns features [..., F] of pictures of bytes [..., rows, columns, channels]."""
        frames = pictures.reshape(-1, *pictures.shape[-3:])
        parts = frames.split(_FRAMES_AT_ONCE)
        if torch.is_grad_enabled() and len(parts) > 1:
            features = [
                checkpoint(self._encode, part, use_reentrant=False, preserve_rng_state=False)
                for part in parts
            ]
        else:
            features = [self._encode(part) for part in parts]
        return torch.cat(features).reshape(*pictures.shape[:-3], -1)

    def _encode(self, frames: Tensor) -> Tensor:
        # Bytes lie channels last, and so stay the numbers: what convolutions are fastest with.
        numbers = frames.permute(0, 3, 1, 2).float() / 255.0
        if self._pooling > 1:
            numbers = functional.avg_pool2d(numbers, self._pooling, ceil_mode=True)
        seen = torch.relu(self.stages(numbers))
        return torch.relu(self.units(seen.flatten(1)))


class _Stage(nn.Module):
    """x → y + f(y) with y = a convolution of x at half the resolution."""

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.halved = nn.Conv2d(before, channels, 3, stride=2, padding=1)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.halved(x)
        residual: Tensor = self.second(torch.relu(self.first(torch.relu(y))))
        return y + residual
