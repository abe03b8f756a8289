"""The operations of the grammar, one module for each kind of value. Importing registers them."""

# The order of these lines is the order of registration, which enters the draw of every problem:
# append, never sort.
# isort: off
from code_ablate.synthesis.operations import on_elements as on_elements
from code_ablate.synthesis.operations import on_element_words as on_element_words
from code_ablate.synthesis.operations import on_logs as on_logs
from code_ablate.synthesis.operations import on_notations as on_notations
from code_ablate.synthesis.operations import on_spans as on_spans
from code_ablate.synthesis.operations import on_graphs as on_graphs
from code_ablate.synthesis.operations import on_roads as on_roads
from code_ablate.synthesis.operations import on_grids as on_grids
from code_ablate.synthesis.operations import on_boards as on_boards
from code_ablate.synthesis.operations import on_walks as on_walks
from code_ablate.synthesis.operations import on_integers as on_integers
from code_ablate.synthesis.operations import on_lists as on_lists
from code_ablate.synthesis.operations import on_lists_by_key as on_lists_by_key
from code_ablate.synthesis.operations import on_nests as on_nests
from code_ablate.synthesis.operations import on_trees as on_trees
from code_ablate.synthesis.operations import on_sentences as on_sentences
from code_ablate.synthesis.operations import on_numbers as on_numbers
from code_ablate.synthesis.operations import on_number_lists as on_number_lists
from code_ablate.synthesis.operations import on_two_numbers as on_two_numbers
from code_ablate.synthesis.operations import on_plans as on_plans
from code_ablate.synthesis.operations import on_alignments as on_alignments
from code_ablate.synthesis.operations import on_results as on_results
from code_ablate.synthesis.operations import on_tables as on_tables
from code_ablate.synthesis.operations import on_groups as on_groups
from code_ablate.synthesis.operations import on_pairs as on_pairs
from code_ablate.synthesis.operations import on_words as on_words
from code_ablate.synthesis.operations import on_text as on_text
