"""Two models' answers, judged: from two runs to judgements.parquet and judging.json.

answers = read_both("runs/a", "runs/b", "open_prompts")
judged = by_endpoint(answers.pairs, JudgeConfig(...), "data/judge_cache.sqlite")
print(save(judged, answers.about, answers.directory(judged, "runs")))
"""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from etils import epath

import code_ablate
from code_ablate import own_file, storage
from code_ablate.allocator import ready_the_host
from code_ablate.analysis.estimation.win_rates import by_group, summarise_judgements
from code_ablate.analysis.report.judging_tables import group_table, judging_table
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.evaluation.judge import prompt, verdict
from code_ablate.evaluation.judge.asking import JudgingCost, ask_all
from code_ablate.evaluation.judge.cache import AnswerCache
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.judge.endpoint import Endpoint
from code_ablate.evaluation.judge.likelihood import WHAT_IT_IS, judge_by_likelihood
from code_ablate.evaluation.judge.pairs import Pair, find_answers, pair_answers, read_answers
from code_ablate.evaluation.judge.pairwise import judgements_of, questions_of
from code_ablate.evaluation.records import file_name
from code_ablate.evaluation.scoring import Scorer
from code_ablate.identity import identity
from code_ablate.model.config import MeshConfig
from code_ablate.names import LONGEST
from code_ablate.progress import bar
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.trained import open_checkpoint

FORMAT = 1
"""Format of judging.json; raised when the meaning of a field changes."""


@dataclass(frozen=True)
class Judged:
    """Judgements, and whose they are."""

    judgements: pd.DataFrame
    """A row per prompt and order."""
    judge: Mapping[str, Any]
    """What identifies the judge; "name" says in a line who judges, and by what."""
    usage: Mapping[str, Any]
    """What was asked for in this call, and what it cost. Empty without an endpoint."""


@dataclass(frozen=True)
class Answers:
    """The answers of two models to the same prompts, and whose they are."""

    pairs: Sequence[Pair]
    """A pair per prompt."""
    about: Mapping[str, str]
    """candidate, baseline, task, and the files of both sides' answers."""

    def directory(self, judged: Judged, runs_dir: epath.PathLike) -> epath.Path:
        """Where the judgements lie, below `runs_dir`: named by what was compared, and by whom."""
        task = file_name(self.about["task"])[:LONGEST]
        name = f"judging-{task}-{identity([self.about, judged.judge])}"
        return epath.Path(runs_dir) / name


def read_both(candidate: epath.PathLike, baseline: epath.PathLike, task: str) -> Answers:
    """The answers of two runs that were evaluated on `task`, or of two Parquet files.

    Raises UserError if there are none, or they answer different prompts.
    """
    about = {"candidate": str(candidate), "baseline": str(baseline), "task": task}
    sides = []
    for side in ("candidate", "baseline"):  # the file says the step, and what was asked
        file = str(find_answers(epath.Path(about[side]), task))
        about[f"{side}_answers"] = file
        sides.append(read_answers(file, task))
    return Answers(pair_answers(*sides), about)


def estimate(pairs: Sequence[Pair], config: JudgeConfig, cache: str) -> JudgingCost:
    """What `by_endpoint` may cost, beyond the replies in the cache. Raises UserError."""
    config.require_endpoint()
    with AnswerCache(config.cache or cache) as replies:
        return JudgingCost.of(questions_of(pairs, config), replies, config)


def by_endpoint(pairs: Sequence[Pair], config: JudgeConfig, cache: str) -> Judged:
    """Judged by a language model, in both orders. `cache`: the file if `config` names none.

    Raises UserError before anything is asked, and Failed with what is kept when it cannot go on.
    """
    config.require_endpoint()
    questions = questions_of(pairs, config)
    with (
        AnswerCache(config.cache or cache) as replies,
        Endpoint(config) as endpoint,
        replies.alone(config),
    ):
        expected = JudgingCost.of(questions, replies, config)
        expected.require_at_most(config.ceiling)
        with bar(expected.requests, "judging", unit="req") as progress:
            answered, usage = ask_all(questions, endpoint, replies, config, progress.update)
    judge = {
        "name": f"{config.model} at {config.base_url}, both orders",
        "kind": "endpoint",
        "base_url": config.base_url,
        "model": config.model,
        "parameters": dict(config.parameters),
        "prompt_version": prompt.VERSION,
        "prompt_digest": prompt.DIGEST,
        "reading_version": verdict.VERSION,
    }
    return Judged(judgements_of(pairs, config, answered), judge, dataclasses.asdict(usage))


def by_likelihood(
    pairs: Sequence[Pair],
    run: RunDirectory,
    vocabulary: Vocabulary,
    mesh: MeshConfig,
    step: int | None = None,
) -> Judged:
    """Judged by the likelihood of the answers under the last checkpoint of `run`, or `step`."""
    ready_the_host()
    trained = open_checkpoint(run, vocabulary, mesh, step)
    longest = trained.seq_len + 1
    scorer = Scorer(trained.model, trained.params, trained.mesh, longest=longest, name=trained.name)
    with bar(None, "scoring", unit="req") as progress:
        judgements = judge_by_likelihood(pairs, scorer, vocabulary, progress.update)
    judge = {
        "name": f"{WHAT_IT_IS} ({run.path.name}, step {trained.step})",
        "kind": "likelihood",
        "run": run.identity,
        "step": trained.step,
    }
    return Judged(judgements, judge, {})


def save(judged: Judged, about: Mapping[str, str], directory: epath.PathLike) -> str:
    """Writes judgements.parquet and then judging.json, which holds its digest.

    Returns the summary as text.

    `about`: candidate, baseline and task.
    """
    directory = epath.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    judgements = judged.judgements.assign(judge=judged.judge["name"])
    summary, groups = summarise_judgements(judgements), by_group(judgements)
    now = datetime.datetime.now(datetime.UTC)
    description = {
        **about,
        "judge": judged.judge,
        "summary": dataclasses.asdict(summary),
        "groups": {name: dataclasses.asdict(of_group) for name, of_group in groups.items()},
        "usage": judged.usage,
        "version": code_ablate.__version__,
        "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    rows = judgements.to_parquet(index=False)
    description["judgements_digest"] = own_file.sha256(rows)
    storage.replace(directory / "judgements.parquet", rows)
    storage.replace(directory / "judging.json", own_file.text_of(description, FORMAT))
    table = judging_table(summary, about["candidate"], about["baseline"], judged.judge["name"])
    return f"{table}\n\n{group_table(groups)}" if groups else table
