"""Families with a hidden goal: on a small grid (`grid`), and in the plane (`point`).

The whole of a task is where its goal is. What is seen is where one stands and what that paid, so
whoever plays has to search, and to remember.
"""

from __future__ import annotations

from taskgen.generators.goals.grid import GridGoal
from taskgen.generators.goals.point import PointGoal, PointGoalCorners, PointGoalSparse

__all__ = ["GridGoal", "PointGoal", "PointGoalCorners", "PointGoalSparse"]
