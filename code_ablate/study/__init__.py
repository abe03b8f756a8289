"""What is compared with what: recipes, the graph of their phases, the plan, and its execution."""
