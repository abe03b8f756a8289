"""lm-eval on checkpoints of this project: the model type "code_ablate".

    python -m code_ablate.interop.lm_eval run --model code_ablate \\
        --model_args run=runs/RUN,data=data --tasks lambada_openai

This is lm-eval's own command, which knows one more model: all its options and tasks are there. In
Python, importing this module is enough for `lm_eval.simple_evaluate(model="code_ablate", ...)`.

Every text begins with EOS, as documents do in training. A context and its continuation are
tokenised together and then cut, as lm-eval wants it, where a token ends with the context; where
none does, apart, as this project's own tasks are: see docs/interop.md. A context that is too long
loses its beginning.
"""

import collections
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model
from lm_eval.models.utils import normalize_gen_kwargs
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from code_ablate.errors import UserError
from code_ablate.evaluation.generation import Generator
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.scoring import Scorer
from code_ablate.progress import bar
from code_ablate.training.trained import Trained, open_run


@register_model("code_ablate")
class CodeAblateLM(TemplateLM):
    """A checkpoint, scored and sampled by this project's own engine."""

    def __init__(
        self,
        run: str | Trained,
        data: str = "data",
        step: int | None = None,
        vocabulary: str = "",
        eos_token: str = "",
        batch_tokens: int = 0,
        batch_rows: int = 0,
        **unused: Any,
    ):
        """`run` ... `eos_token` as `open_run` has them, or what it gives; others as the engine has.

        lm-eval also gives batch_size, max_batch_size and device, which say nothing here: devices
        are JAX's, and the batches those of the engine.
        """
        super().__init__()
        unknown = set(unused) - {"batch_size", "max_batch_size", "device"}
        if unknown:
            raise UserError(
                f"--model_args has {', '.join(sorted(unknown))}, which code_ablate does not know: "
                "run, data, step, vocabulary, eos_token, batch_tokens and batch_rows are its own."
            )
        if isinstance(run, str):
            run = open_run(
                run, step=step, data_dir=data, vocabulary=vocabulary, eos_token=eos_token
            )
        self.trained = trained = run
        model, longest = (trained.model, trained.params, trained.mesh), trained.seq_len + 1
        self._scorer = Scorer(*model, longest=longest, batch_tokens=batch_tokens, name=trained.name)
        self._generator = Generator(
            *model,
            trained.vocabulary,
            longest=longest,
            batch_rows=batch_rows,
            name=trained.name,
        )

    @property
    def eot_token_id(self) -> int:
        """EOS, which comes before every text, too."""
        return self.trained.vocabulary.eos_id

    @property
    def max_length(self) -> int:
        """Tokens that predict at once: those of a window."""
        return self.trained.seq_len

    @property
    def tokenizer_name(self) -> str:
        """Names the tokenisation in lm-eval's caches of requests."""
        return self.trained.vocabulary.digest

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **kwargs: Any
    ) -> list[int]:
        """The ids of a text, after EOS unless add_special_tokens is False."""
        first = [] if add_special_tokens is False else [self.eot_token_id]
        return first + self.trained.vocabulary.encode([string])[0].tolist()

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """(ids of the context, ids of the continuation), of which all are scored.

        As lm-eval has it, spaces at the end of the context belong to the continuation, and both are
        tokenised together and cut. But where the continuation melts into the context's last token,
        no cut gives the two texts (lm-eval's own may leave nothing to score, or the continuation
        without its beginning): there they are tokenised apart.
        """
        kept = context.rstrip()
        continuation, context = context[len(kept) :] + continuation, kept
        together, first = self.tok_encode(context + continuation), self.tok_encode(context)
        if together[: len(first)] == first:
            return first, together[len(first) :]
        return first, self.tok_encode(continuation, add_special_tokens=False)

    def get_model_info(self) -> dict[str, Any]:
        """What lm-eval writes beside its results."""
        return {"model_identity": self.trained.identity, "model_step": self.trained.step}

    # ------------------------------------------------------------------------------ likelihoods

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[Any, list[int], list[int]]],
        disable_tqdm: bool = False,
        **kwargs: Any,
    ) -> list[tuple[float, bool]]:
        """(log-likelihood in nats, whether greedy decoding gives it) of each continuation."""
        for texts, _, continuation in requests:
            if not continuation:
                raise UserError(f"{texts!r} has an empty continuation, of which nothing is scored.")
        asked = [
            Request(np.array(context + continuation, np.int32), len(context))
            for _, context, continuation in requests
        ]
        pieces = sum(len(request.pieces(self._scorer.longest)) for request in asked)
        with bar(pieces, "log-likelihoods", unit="req") as progress:
            scores, greedy = self._scorer.score_greedy(asked, progress.update)
        answers = [(float(s), bool(g)) for s, g in zip(scores, greedy, strict=True)]
        for (texts, *_), answer in zip(requests, answers, strict=True):
            if texts is not None:
                self.cache_hook.add_partial("loglikelihood", texts, answer)
        return answers

    def loglikelihood_rolling(
        self, requests: Sequence[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """Log-likelihood in nats of each text, in windows that lm-eval cuts."""
        texts = [request.args[0] for request in requests]
        windows, owners = [], []
        for owner, text in enumerate(texts):
            for window in get_rolling_token_windows(
                token_list=self.tok_encode(text, add_special_tokens=False),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length,
                context_len=1,
            ):
                windows.append((None, *make_disjoint_window(window)))
                owners.append(owner)
        scores = [score for score, _ in self._loglikelihood_tokens(windows)]
        sums = np.bincount(owners, scores, len(texts)).tolist()
        for text, score in zip(texts, sums, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), score)
        return sums

    # ------------------------------------------------------------------------------- generation

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """The answer to each prompt, up to the first of its stop strings or EOS."""
        groups: dict[Sampling, list[int]] = collections.defaultdict(list)
        for number, request in enumerate(requests):
            groups[_sampling(request.args[1])].append(number)
        items = _names(requests)
        texts = [""] * len(requests)
        with bar(len(requests), "answers", unit="req") as progress:
            for sampling, numbers in groups.items():
                prompts = [
                    np.array(self.tok_encode(requests[n].args[0]), np.int32) for n in numbers
                ]
                names = [items[n] for n in numbers]
                answers = self._generator.generate(prompts, sampling, names, progress.update)
                for number, (answer,) in zip(numbers, answers, strict=True):
                    texts[number] = answer.text
                    self.cache_hook.add_partial(
                        "generate_until", requests[number].args, answer.text
                    )
        return texts


def _sampling(wanted: dict[str, Any]) -> Sampling:
    """lm-eval's gen_kwargs. Raises UserError for those that would change an answer unnoticed."""
    known = dict(normalize_gen_kwargs(wanted))
    stop = tuple(string for string in known.pop("until") if string)
    temperature = known.pop("temperature", None)
    sampled = known.pop("do_sample")
    sampling = Sampling(
        max_tokens=known.pop("max_gen_toks"),
        stop=stop,
        temperature=(1.0 if temperature is None else float(temperature)) if sampled else 0.0,
        top_p=float(known.pop("top_p", 1.0)),
        seed=int(known.pop("seed", 0)),
    )
    if known:
        raise UserError(
            f"gen_kwargs has {', '.join(sorted(known))}, which this engine does not know: until, "
            "max_gen_toks, do_sample, temperature, top_p and seed are what there is."
        )
    return sampling


def _names(requests: Sequence[Instance]) -> list[str]:
    """A name for each request that does not depend on the others; repeats are numbered."""
    seen: collections.Counter[tuple] = collections.Counter()
    names = []
    for request in requests:
        item = (request.task_name, request.doc_id, request.idx)
        names.append("/".join(map(str, (*item, seen[item]))))
        seen[item] += 1
    return names


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    try:
        cli_evaluate()
    except UserError as error:
        sys.exit(f"error: {error}")
