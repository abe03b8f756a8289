"""Programming problems with solutions and tests, made from a seed, each of them verified.

docs/synthetic.md says how problems are made and shows twenty of them.
"""
