"""What one command does to one run or study, as typed functions for commands and notebooks."""
