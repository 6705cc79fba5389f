"""Campaigns: the only place that knows generators, learners, curricula and searches alike."""
