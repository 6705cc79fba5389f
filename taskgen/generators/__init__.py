"""Task families, one file each, or one folder where a family needs an engine of its own.

They are plug-ins like anybody's: found by their registered names through `taskgen.registry`,
imported only when asked for, and checked by `taskgen.checks`.
"""
