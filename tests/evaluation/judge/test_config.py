"""What a judge can be told, and what is refused."""

import pytest

from code_ablate.errors import UserError
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.jobs import judge as judging
from tests.evaluation.judge.cases import PAIRS, config_for
from tests.evaluation.judge.server import JudgeServer, fair

WRONG = {
    "no judge is named": {"base_url": ""},
    "is not an address": {"base_url": "localhost:8000"},
    "write it as": {"base_url": "https://user:secret@host:port/v1"},
    "https://host/v1": {"base_url": "https://[host/v1"},
    "more than an address": {"base_url": "https://user:secret@host/v1"},
    "is written to the results": {"base_url": "https://host/v1#secret"},
    "printable characters": {"model": "\ud83d\x1b"},
    "so that the cost has a bound": {"parameters": {"temperature": 0}},
    "input_price and": {"input_price": None},
    "is not set": {"key_variable": "SURELY_NOT_SET"},
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_said_before_anything_is_asked(tmp_path, message):
    with JudgeServer(fair) as server, pytest.raises(UserError, match=message) as error:
        judging.by_endpoint(PAIRS, config_for(server, tmp_path, **WRONG[message]), "")
    assert server.asked == 0 and "secret" not in str(error.value)


WRONG_PARAMETERS = {
    "a whole number of 1": [{"max_tokens": value} for value in (0, -5, "512", 1.5, True, None)],
    "set the one": [{"max_tokens": 5, "max_completion_tokens": 5}],
    "leave them out": [{"max_tokens": 5, "model": "other"}],
    "cannot be sent": [
        {"max_tokens": 5, "temperature": value}
        for value in (float("nan"), float("inf"), "\ud83d", b"x", {1, 2}, object())
    ],
}


@pytest.mark.parametrize("message", WRONG_PARAMETERS)
def test_parameters_are_what_a_request_can_hold(message):
    for parameters in WRONG_PARAMETERS[message]:
        with pytest.raises(UserError, match=message):
            JudgeConfig(parameters=parameters)
