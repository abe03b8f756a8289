"""Random arguments for any operation of the grammar."""

from random import Random

from code_ablate.synthesis.contexts import CONTEXTS, NAMES, WORDS
from code_ablate.synthesis.functions import draw_constant, draw_function
from code_ablate.synthesis.grammar import ELEMENTS, FUNCTION_TYPES
from code_ablate.synthesis.inputs import make_input, make_records, record_type


def value_of(type_name, rng):
    """A value of a type of the grammar."""
    if type_name == "Int":
        return rng.randint(-20, 60)
    if type_name == "Bool":
        return rng.random() < 0.5
    if type_name == "Word":
        return rng.choice(WORDS)
    if type_name == "Nats":
        type_name = "Ints"
    if type_name == "Groups":
        return {name: [rng.randint(0, 9) for _ in range(rng.randint(0, 4))] for name in NAMES[:3]}
    if type_name == "Index":
        return {name: rng.sample(WORDS, rng.randint(0, 3)) for name in NAMES[: rng.randint(0, 3)]}
    if type_name == "Any_":
        return rng.randint(0, 9)
    made, _ = make_input(type_name, rng.choice(CONTEXTS), rng)
    return made.draw(rng)


def arguments_of(operation, rng: Random):
    """(values of the arguments in order, functions as Python calls them) of an operation."""
    element, record, values = "Ints", None, {}
    context = rng.choice(CONTEXTS)
    for name, type_name in operation.takes.items():
        if type_name in FUNCTION_TYPES:
            continue
        if type_name == "Items":
            element = rng.choice(("Ints", "Words", "Records"))
            type_name = element
        if type_name in ELEMENTS:
            element = type_name
        if type_name == "Records":
            record = record_type(context, rng)
            made, _ = make_records(record, context, rng)
            values[name] = made.draw(rng)
        else:
            values[name] = value_of(type_name, rng)
    lists = [value for value in values.values() if isinstance(value, list)]
    seen = lists[0] if lists else [*values.values()]
    for name, type_name in operation.takes.items():
        if type_name in FUNCTION_TYPES:
            function = draw_function(type_name, element, seen, record, rng)
            if function is None:
                return None
            values[name] = function.at(0)
    for name, draw in operation.constants.items():
        flat = [x for x in seen if isinstance(x, int | str)] or [1, 5, 9]
        constant = draw_constant(draw, name, flat, rng)
        if constant is None:
            return None
        values[name] = constant.value
    return [values[name] for name in operation.forms[0].parameters]
