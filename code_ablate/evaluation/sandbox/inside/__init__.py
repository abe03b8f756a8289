"""What runs in the fresh interpreter that `Sandbox` starts: the standard library alone.

    driver.main()       # trusted: runs the tests and asks the candidate for values

`driver` stays outside of the isolation; `candidate` is the other side of a pipe, behind `isolation`
and `seccomp`; `wire` is the strict codec between the two. Nothing here may import code_ablate.
Nor `typing`, `signal` or `random` without need: each takes as long to import as Python to start.
"""
