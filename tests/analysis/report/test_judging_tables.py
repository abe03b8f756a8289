"""Win rates for the console."""

from code_ablate.analysis.estimation.win_rates import by_group, summarise_judgements
from code_ablate.analysis.report.judging_tables import group_table, judging_table
from tests.analysis.estimation.test_win_rates import B, C, table


def test_each_sort_of_request_has_a_line_with_a_corrected_p():
    judgements = table([(C, C)] * 7 + [(B, B)] * 6 + [(C, B)] * 2 + [(None, None)])
    of_item = ["advice"] * 7 + ["planning"] * 9
    judgements["group"] = judgements["item"].astype(int).map(of_item.__getitem__)
    first, second = group_table(by_group(judgements)).splitlines()[1:3]
    # Holm: twice the smaller of 2/2^7 and 2/2^6, and the larger as it is.
    assert first.split()[:5] == ["advice", "7", "7", "0", "0"] and first.endswith("p = 0.0312")
    assert second.split()[:5] == ["planning", "8", "0", "6", "2"] and "12.5 %" in second


def test_a_rate_of_no_prompts_is_not_defined():
    summary = summarise_judgements(table([(None, None)] * 3))
    assert "not defined" in judging_table(summary, "a", "b", "j")


def test_the_table_says_all_of_it():
    verdicts = [*[(C, C)] * 5, *[(B, B)] * 3, *[(C, B)] * 2, (C, None)]
    text = judging_table(summarise_judgements(table(verdicts)), "run-a", "run-b", "judge-j")
    for part in ("run-a", "run-b", "judge-j", "5 / 3 / 2  (n = 10", "60.0 % [", "p = 0.727"):
        assert part in text
    assert "1 of 11 prompts left out (1 unparseable, 0 unanswered)" in text
