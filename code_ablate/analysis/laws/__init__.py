"""Laws fitted to plain records: what a mixture, a size or a budget leads to, and the best of them.

A law's module takes dataclasses or arrays of (share, parameters, tokens, score) and gives fitted
values with their uncertainty. It knows no study: `results/` hands over the records, `report/` shows
what comes of them.
"""
