"""What people type that does not exist is answered with what to type instead."""

import re

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.config.error_messages import sentence
from cdfis_bench.config.hints import HINTS, check_groups, hint
from cdfis_bench.config.schema import read_config, resolve
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError

CASES = [
    ("threshold=0.5", "use threshold.fraction=0.5"),
    ("threshold=0.5,0.7", "use threshold.fraction=0.5"),
    ("metric=1", "use one of its options, such as metric=entropy, grad_norm"),
    ("selector=null", "names no option of the group selector"),
    ("metric=[loss]", "names no option of the group metric"),
    ("selector={name:cdf}", "names no option of the group selector"),
    ("selector=cdf2", "did you mean selector=cdf"),
    ("seeds=10", "-m seed='range(0,10)'"),
    ("+seeds=10", "-m seed='range(0,10)'"),
    ("seed=[0,1]", "-m seed='range(0,10)'"),
    ("seed=0-9", "-m seed='range(0,10)'"),
    ("seed=null", "seed=null cannot be used: it needs a value"),
    ("lr=0.1", "use optimizer.lr=0.1"),
    ("epochs=10", "use budget.steps=..., where an epoch is train samples / batch_size steps"),
    ("steps=10", "use budget.steps=10"),
    ("batch=10", "use batch_size=10"),
    ("n=10", "use batch_size=10"),
    ("k=10", "use large_batch_size=10"),
    ("gpu=0", "use device=cuda, with CUDA_VISIBLE_DEVICES=0"),
    ("device=cuda:1", "use device=cuda, with CUDA_VISIBLE_DEVICES=1"),
    ("device=0", "use device=cuda, with CUDA_VISIBLE_DEVICES=0"),
    ("device=gpu", "use device=cuda"),
    ("optimizer.momentum=0.9", "use optimizer=sgd optimizer.momentum=0.9"),
    ("+scheduler=cosine", "the key scheduler is not known; use schedule=cosine"),
    ("scheduler=cosine", "use schedule=cosine"),
    ("model.classes=3", "use model.sizes=[2,50,3]"),
    ("dataset.url=x", "nothing is loaded from a URL: use dataset=arrays"),
    ("dataset.path=~/x.npz", "use $HOME for the home folder"),
    ("budget=5", "use budget.steps=5"),
    ("keep=0.5", "use keep.fraction=0.5"),
    ("backend=[plain]", "backend=[plain] cannot be used"),
    ("a=b=c", "put a value with special characters into quotes"),
    ("foo", "'foo' is no key=value"),
    ("~lr", "the key lr is not known; use optimizer.lr=..."),
    ("tracker=false", "names no option of the group tracker; use tracker=none"),
]


def answer(*overrides):
    """The sentence for the overrides; None if they make a configuration."""
    try:
        check_groups(overrides)
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            read_config(resolve(compose("config", list(overrides))))
    except (HydraException, OmegaConfBaseException, UserError) as error:
        return sentence(error)
    return None


@pytest.mark.parametrize(("override", "said"), CASES, ids=[case[0] for case in CASES])
def test_a_mistake_is_answered_with_what_to_type(override, said):
    text = answer(override)
    assert text is not None and said in text, text
    assert "\n" not in text and len(text) <= 300


@pytest.mark.parametrize(
    "override",
    ["method=null", "experiment=null", "selector='topk'", "metric=loss,margin", "--cfg", "seed=3"],
)
def test_names_of_options_are_left_to_hydra(override):
    check_groups([override])


def test_every_value_that_a_hint_names_exists():
    """A hint that says `use key=...` for a key that the configuration lacks would mislead."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["dataset=mnist"])
        other = compose("config", ["optimizer=sgd"])
    others = {"optimizer._target_", "dataset.path"}  # of other options
    for phrase in HINTS.values():
        for key in re.findall(r"(?<![+.\w])([a-z_]+(?:\.[a-z_]+)*)=", phrase):
            node = next((c for c in (cfg, other) if _has(c, key)), None)
            assert node is not None or key in others, f"{key} in {phrase!r}"


def _has(cfg, key):
    node = cfg
    for name in key.split("."):
        if name not in node:
            return False
        node = node._get_node(name)
    return True


def test_a_long_value_is_not_repeated():
    assert hint("lr", "1" * 200) == "use optimizer.lr=..."


def test_a_terminal_escape_is_shown_not_sent():
    assert sentence(UserError("red \x1b[31m\nline")) == r"red \x1b[31m line"
