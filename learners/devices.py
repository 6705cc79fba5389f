"""Which device a learner computes on, by its setting and by its name."""

from __future__ import annotations

import torch


def device_of(name: str) -> torch.device:
    """Returns the device of a setting: "cpu", "cuda" or "auto" (cuda where there is one)."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def device_name(device: str) -> str:
    """Returns what a device is called: of a graphics card its model."""
    if device == "cuda" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return device
