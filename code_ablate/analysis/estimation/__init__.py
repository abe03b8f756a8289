"""Statistics of results: levels, paired comparisons, intervals, tests. Knows arrays, no study."""
