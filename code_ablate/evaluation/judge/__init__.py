"""Which of two models answers better? Judged pair by pair, each pair in both orders.

    pairs = pair_answers(read_answers("a.parquet"), read_answers("b.parquet"))
    judgements, usage = judge_pairs(pairs, config, AnswerCache("cache.sqlite"))

`pairs` joins two models' answers, `prompt` words the question and reads the reply, `endpoint` asks
one question, `asking` asks many within limits, `cache` keeps what was paid for, `pairwise` puts
them together. `likelihood` is a judge without a network. `win_rates` in
analysis/estimation counts the results.
"""
