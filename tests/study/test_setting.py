import dataclasses

import pytest

from code_ablate.data.mixing import Mixture
from code_ablate.errors import UserError
from code_ablate.study.recipes import base_only, text_only, without_corpus

CODE = {"web": 0.8, "markup": 0.2}


def test_a_mixture_may_name_roles_corpora_or_both(setting):
    own = dataclasses.replace(setting, roles={"code": CODE, "more": {"notes": 1, "talks": 3}})
    assert own.mixture_of("code") == Mixture.of(CODE)
    both = own.mixture_of({"more": 2, "web": 1, "code": 1}).active
    assert both == pytest.approx({"notes": 1 / 8, "talks": 3 / 8, "web": 0.45, "markup": 0.05})
    sides = dataclasses.replace(own, base="more", source={"code": 1})
    assert sides.base_mixture.active == {"notes": 0.25, "talks": 0.75}


def test_a_mixture_without_roles_is_what_it_was(setting):
    own = dataclasses.replace(setting, roles={"code": CODE})
    thirds = {"a": 1, "b": 1, "c": 1}
    assert own.mixture_of(thirds) == Mixture.of(thirds)


def test_a_mixture_in_words_names_roles_of_several_corpora(setting):
    own = dataclasses.replace(setting, roles={"code": CODE, "one": {"text": 1}})
    words = own.in_words(Mixture.of({"text": 0.5, "web": 0.4, "markup": 0.1}))
    assert words == "50% code + 50% text"
    # In other proportions it is not that role.
    assert own.in_words(Mixture.of({"web": 0.5, "markup": 0.5})) == "50% markup + 50% web"


@pytest.mark.parametrize("rates", [{"a": 1.0, "b": 0.0}, {"b": 1.0}])
def test_words_leave_nothing_out(setting, rates):
    own = dataclasses.replace(setting, roles={"both": {"a": 1, "b": 1}})
    for corpus, rate in Mixture.of(rates).active.items():
        assert f"{100 * rate:g}% {corpus}" in own.in_words(Mixture.of(rates))


def test_the_cooldown_has_a_base_of_its_own(setting):
    own = dataclasses.replace(setting, cooldown_base={"text": 0.9, "notes": 0.1})
    stages = text_only(own).stages
    assert stages["pretraining"].mixture.active == {"text": 1.0}
    assert stages["cooldown"].mixture.active == pytest.approx(
        {"text": 0.72, "notes": 0.08, "web": 0.16, "markup": 0.04}
    )
    alone = dataclasses.replace(own, source=None, source_name="")
    assert base_only(alone).stages["cooldown"].mixture.active == {"text": 0.9, "notes": 0.1}


def test_a_corpus_of_the_source_is_not_in_the_cooldowns_base(setting):
    with pytest.raises(UserError, match=r"Setting\.cooldown_base and in Setting\.source"):
        dataclasses.replace(setting, cooldown_base={"text": 0.9, "web": 0.1})


def test_a_corpus_that_is_left_out_is_left_out_of_the_cooldown_too(setting):
    own = dataclasses.replace(
        setting,
        base={"text": 0.5, "notes": 0.5},
        cooldown_base={"text": 0.2, "notes": 0.4, "talks": 0.4},
        source=None,
    )
    stages = without_corpus(own, "notes").stages
    assert stages["pretraining"].mixture.active == {"text": 1.0}
    assert stages["cooldown"].mixture.active == pytest.approx({"text": 1 / 3, "talks": 2 / 3})
    only = dataclasses.replace(own, cooldown_base={"notes": 1})
    with pytest.raises(UserError, match="has nothing else"):
        without_corpus(only, "notes")


def test_parts_of_the_seed_are_fixed_one_by_one(setting):
    def seeds(**change):
        phase = base_only(dataclasses.replace(setting, **change)).stages["pretraining"]
        return phase.seed_of_parameters, phase.seed

    assert seeds(seed=3) == (3, 3)
    assert seeds(seed=3, initialisation_seed=0) == (0, 3)
    assert seeds(seed=3, order_seed=0) == (3, 0)
    assert seeds(seed=3, initialisation_seed=1, order_seed=2) == (1, 2)
    # Where both are one, it is the phase that it was.
    plain = base_only(dataclasses.replace(setting, seed=3))
    assert base_only(dataclasses.replace(setting, seed=3, order_seed=3)) == plain


def test_expected_tokens_are_of_roles(setting):
    own = dataclasses.replace(
        setting, roles={"code": CODE, "web": {"web": 1}}, expected_tokens={"code": 1000}
    )
    assert own.expected_by_corpus == {"web": 800, "markup": 200}
    with pytest.raises(UserError, match=r"no role \(Setting\.expected_tokens\) named 'cod'"):
        dataclasses.replace(own, expected_tokens={"cod": 1000})


def test_a_role_has_the_name_of_a_file(setting):
    with pytest.raises(UserError, match="the name of a role"):
        dataclasses.replace(setting, roles={"a/b": CODE})
