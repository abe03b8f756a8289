"""Studies, runs, corpora, mixtures and laws as data frames and plots: for notebooks and scripts.

    import code_ablate
    study = code_ablate.open_study("runs/study-demo")
    study.comparisons                 # a pandas frame
    study.plot_comparisons()          # a picture

docs/api.md documents every name and column. What opens trains, prepares and writes nothing.
"""
