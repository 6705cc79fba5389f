"""One method a file: curricula (which tasks next) and searches (which distribution next).

Each is found by its registered name, `taskgen.registry.resolve("curricula", "…")` or
`resolve("searches", "…")`; nothing is imported here, so that one method's needs burden no other.
"""
