"""Statistics of results: levels, paired comparisons, intervals, tests."""
