"""The operations of the grammar, one module for each kind of value. Importing registers them."""

from code_ablate.synthesis.operations import on_elements as on_elements
from code_ablate.synthesis.operations import on_formats as on_formats
from code_ablate.synthesis.operations import on_graphs as on_graphs
from code_ablate.synthesis.operations import on_grids as on_grids
from code_ablate.synthesis.operations import on_integers as on_integers
from code_ablate.synthesis.operations import on_lists as on_lists
from code_ablate.synthesis.operations import on_nests as on_nests
from code_ablate.synthesis.operations import on_numbers as on_numbers
from code_ablate.synthesis.operations import on_plans as on_plans
from code_ablate.synthesis.operations import on_results as on_results
from code_ablate.synthesis.operations import on_tables as on_tables
from code_ablate.synthesis.operations import on_words as on_words
