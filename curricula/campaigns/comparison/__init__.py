"""Campaigns side by side: arms and controls, seeds, equal env steps, one test, one table."""
