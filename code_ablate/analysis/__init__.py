"""From the results tables of a study to statistics, figures and a report.

This package reads `study.json` and `results.parquet` and nothing else: no JAX, no TensorFlow,
no SeqIO. Start at `report.write_report`.
"""
