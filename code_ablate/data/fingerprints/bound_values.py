"""What gin binds of a function or class, as values that can be described.

bindings_of(preprocessor)     # {"/least": 30}, of all scopes; None for what gin does not bind
"""

from typing import Any

import gin


def bindings_of(thing: Any) -> dict[str, Any] | None:
    """The values of each parameter that is bound, by scope and name; None where gin binds nothing.

    Of a reference the function stands in it, for whoever describes the value to follow.
    """
    configurable = gin.config._inverse_lookup(thing)
    return None if configurable is None else _bound(configurable.selector)


def _bound(selector: str, scope: str | None = None) -> dict[str, Any]:
    """Bindings of a configurable: in all scopes, or those that hold within one."""
    found = {
        f"{bound_in}/{name}": _value(value)
        for (bound_in, bound), values in gin.config._CONFIG.items()
        if bound == selector
        and (scope is None or not bound_in or f"{scope}/".startswith(f"{bound_in}/"))
        for name, value in values.items()
    }
    return dict(sorted(found.items()))


def _value(value: Any) -> Any:
    """A value that gin holds; of a reference what it refers to."""
    if isinstance(value, gin.config.ConfigurableReference):
        return (value.scoped_selector, value.evaluate, _referred(value))
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    return [_value(item) for item in value] if isinstance(value, list | tuple) else value


def _referred(reference: gin.config.ConfigurableReference) -> Any:
    """What a reference stands for: a function, or the value of a macro, constant or singleton.

    Those three are functions of gin's own, one for all names: of their bindings only the name's
    own are part of the value, and the others may be anything.
    """
    scope, selector = reference.config_key
    wrapped = reference.configurable.wrapped
    if wrapped.__module__ != gin.config.__name__:
        return wrapped
    return (gin.config._CONSTANTS.get(scope), _bound(selector, scope))
