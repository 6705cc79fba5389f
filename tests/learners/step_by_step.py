"""A memory that is fed one step at a time, as who acts feeds it."""

import torch


def step_by_step(model, inputs):
    """Returns what [H, B, D] inputs give a step at a time, put together, and the last state."""
    state, parts = None, []
    with torch.no_grad():
        for row in inputs:
            part, state = model(row[None], state)
            parts.append(part)
    return torch.cat(parts), state
