"""Property: any override either makes a run, or is answered in one sentence that names it."""

import torch
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.config.build import build, check_values
from cdfis_bench.config.device import computing_on
from cdfis_bench.config.error_messages import sentence
from cdfis_bench.config.hints import check_groups
from cdfis_bench.config.schema import read_config, resolve
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError

SMALL = ["dataset.train_size=1024", "dataset.test_size=16", "budget.steps=3", "tracker=none"]
KEYS = [
    *("seed", "batch_size", "large_batch_size", "eval_every", "chunk_size", "pattern_every"),
    *("checkpoint_every", "record_learning", "scoring_mode", "scoring_dtype", "backend"),
    *("budget.steps", "budget.train_seconds", "budget.uniform_steps", "keep.fraction", "keep.by"),
    *("dataset.train_size", "dataset.test_size", "dataset.data_seed", "dataset.facts"),
    *("metric", "selector", "selector.form", "selector.replacement", "+selector.power"),
    *("+selector.anything", "threshold", "threshold.fraction", "source", "weighting"),
    *("optimizer.lr", "optimizer.fused", "+optimizer.betas", "+optimizer.eps", "model"),
    *("model.sizes", "device.threads", "preset.color", "results_version", "+anything", "anything"),
]
VALUES = st.one_of(
    st.integers(-3, 3).map(str),
    st.integers(min_value=2**31).map(str),
    st.floats().map(str),
    st.sampled_from(["true", "no", "null", "[]", "[1,2]", "{a:1}", "''", "x", "${nokey}", "1e400"]),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=12),
)


def outcome(*overrides):
    """The sentence for the overrides; None if a run can be built of them."""
    try:
        check_groups(overrides)
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("config", [*SMALL, *overrides])
        config = read_config(resolve(cfg))
        check_values(config)
        with computing_on(torch.device("cpu"), config.device["threads"]):
            build(config, torch.device("cpu"))
    except (HydraException, OmegaConfBaseException, UserError) as error:
        return sentence(error)
    return None


@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(key=st.sampled_from(KEYS), value=VALUES)
def test_an_override_makes_a_run_or_one_sentence(key, value):
    text = outcome(f"{key}={value}")
    if text is not None:
        assert len(text) <= 300 and text.isprintable(), text
        assert key.lstrip("+").split(".")[0] in text or value in text, text
