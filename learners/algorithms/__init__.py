"""The learners, one method a file; `taskgen.registry` finds them by name."""
