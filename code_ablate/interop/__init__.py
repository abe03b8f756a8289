"""To and from what others use: Hugging Face checkpoints, and lm-eval as a program to evaluate."""
