"""The first sections: the question, its answer in three sentences, and the design.

question(report), answer_section(report), design(report)
"""

from code_ablate.analysis.report.content import Report, stage_title
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.findings import answer
from code_ablate.analysis.report.frozen_text import corrected_over
from code_ablate.analysis.report.headline import headline, reach
from code_ablate.analysis.report.phase_graph import phase_graph
from code_ablate.analysis.report.phrases import counted, joined, number_range
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.results.study_record import SizeRecord


def question(report: Report) -> Section:
    """What was asked, and of what."""
    record = report.record
    groups = (f"{name} ({', '.join(corpora)})" for name, corpora in record.groups.items())
    scores = report.summary.scores
    arms = report.results.last_arms
    facts = {
        "Varied": f"{record.source}, mixed into {record.base}",
        "Groups" if len(record.groups) > 1 else "Group": "; ".join(groups),
        "Recipes": f"{len(record.recipes)}, baseline {report.baseline}",
        "Seeds": f"{', '.join(map(str, record.seeds))} ({counted(len(arms), 'arm')} in all)",
    }
    for size in report.results.sizes:
        facts |= _size_facts(report, size)
    facts["Measured"] = (
        f"bits per byte of {counted(len(scores.domains), 'corpus', 'corpora')}, "
        f"{counted(len(scores.downstream), 'task')}"
    )
    seeds = f"{len(record.seeds)} seeds each" if len(record.seeds) > 1 else "one seed each"
    html = render(
        "question.html",
        base=record.base,
        source=record.source,
        baseline=report.baseline,
        recipes=counted(len(record.recipes), "recipe"),
        seeds=seeds,
        facts=facts,
    )
    return Section("question", "The question", html)


def _size_facts(report: Report, size: SizeRecord) -> dict[str, str]:
    """Model and tokens of a size, from its own arms."""
    places = report.results.places_of(size.name)
    tokens = [
        f"{number_range(arm.tokens for arm in report.results.arms_at(place))} "
        f"{stage_title(place.stage)}"
        for place in places
    ]
    where = report.of_size(size.name)
    return {
        f"Model{where}": f"{size.parameters:,} parameters, {size.embedding_parameters:,} of them "
        "in the embedding",
        f"Tokens{where}": f"{joined(tokens)}; sequences of {number_range(size.seq_lens)}",
    }


def answer_section(report: Report) -> Section:
    """Three sentences for each model size, with verdicts; at length below."""
    sizes = [
        (report.of_size(size.name).strip(" ()"), headline(report, size), reach(report, size))
        for size in report.results.sizes
    ]
    html = render(
        "answer.html", sizes=sizes, longer=answer(report), corrected_over=corrected_over(report)
    )
    return Section("answer", "The answer", html)


def design(report: Report) -> Section:
    """The phases as a graph, and what each recipe does."""
    graphs = [(report.of_size(s.name), phase_graph(report, s.name)) for s in report.results.sizes]
    html = render(
        "design.html",
        graphs=graphs,
        source=report.record.source,
        recipes=report.record.recipes,
        several_seeds=len(report.record.seeds) > 1,
    )
    return Section("design", "The design", html)
