"""Presets that follow the authors' settings where those of a comparison are others."""

import pytest
import torch

from cdfis_bench.config.build import build
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.records.identity import arm_id
from cdfis_bench.selectors.greedy_residual import greedy_residual_and_fill
from tests.engine.small import configured, resolved, run, setup
from tests.methods.preset import method_of


@pytest.mark.parametrize("which", ["bound", "loss"])
def test_kf18_at_3n_has_the_level_of_the_authors(which):
    config = configured(f"method=kf18_{which}_3n", "large_batch_size=${cdfis.mini_batches:3}")
    assert config.large_batch_size == 96 and config.method == f"kf18_{which}_3n"
    method = build(config, torch.device("cpu")).make_method()
    assert method.threshold.level == pytest.approx(2)  # pyright: ignore[reportAttributeAccessIssue]


def test_the_preset_follows_the_mini_batch():
    from hydra import compose, initialize_config_dir

    from cdfis_bench.config.where import conf_dir

    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        assert compose("config", ["method=kf18_loss_3n"]).large_batch_size == 384
        assert compose("config", ["method=kf18_loss_3n", "batch_size=50"]).large_batch_size == 150
        assert compose("config", ["method=kf18_loss"]).large_batch_size == 1024


def rho_before_the_run(amortize):
    memory, _ = run("method=rho_amortised", "budget.steps=20", f"metric.amortize={amortize}")
    return memory.rows[0], memory.rows[-1]


def test_amortised_rho_is_charged_its_part_and_computes_the_same():
    (whole, end), (tenth, same) = rho_before_the_run(1), rho_before_the_run(10)
    steps, n, train_size = 2, 32, 3000
    assert whole["forward_samples"] == 2 * steps * n + train_size
    assert whole["backward_samples"] == 2 * steps * n
    for column in ("forward_samples", "backward_samples", "samples_scored"):
        assert tenth[column] == round(whole[column] / 10)
    assert tenth["train_seconds"] < whole["train_seconds"]
    assert end["test_loss"] == same["test_loss"], "the budget is in steps: the same run"


def test_amortised_rho_has_more_steps_left_at_equal_cost():
    budget = ["budget.steps=null", "budget.uniform_steps=100"]
    charged, shared = (run(f"method={name}", *budget)[1] for name in ("rho", "rho_amortised"))
    assert shared["steps"] > charged["steps"]


@pytest.mark.parametrize("value", ["0", "0.5", "-1", "true", "ten"])
def test_a_part_that_cannot_be_charged_is_refused(value):
    with pytest.raises(UserError, match=r"metric\.amortize"):
        setup("method=rho", f"metric.amortize={value}")


@pytest.mark.parametrize(
    ("overrides", "group", "key", "other"),
    [
        (["method=rho"], "metric", "amortize", 10),
        (["dataset=mnist"], "model", "dropout", 0),
        (["dataset=mnist", "model=resnet"], "model", "dropout", 0.5),
    ],
)
def test_keys_at_their_defaults_change_no_identity(overrides, group, key, other):
    config = resolved(*overrides)
    here = arm_id(config, "cpu")
    config[group][key] = other
    assert arm_id(config, "cpu") != here
    del config[group][key]
    assert arm_id(config, "cpu") == here


def test_infobatch_by_budget_is_infobatch_cut_short():
    ours = resolved("method=infobatch_budget")
    assert ours["method"] == "infobatch_budget"
    assert arm_id(ours, "cpu") == arm_id(
        resolved("method=infobatch", "source.cut_short=true"), "cpu"
    )


def test_divbs_says_how_much_it_filled_at_random():
    """51 directions for 128 picks: at least 77 are random, and none where there are enough."""
    size = ["large_batch_size=256", "batch_size=128", "budget.steps=10"]
    _, summary = run("method=divbs", *size)
    assert 77 / 128 <= summary["random_share"] < 1
    assert run("method=loss_cdf", "budget.steps=10")[1]["random_share"] is None


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize("rank", [1, 3, 8])
def test_what_is_filled_is_what_exceeds_the_directions(rank, sample):
    vectors = torch.randn(40, rank, generator=stream(rank, "v"), dtype=torch.float64)
    gram = vectors @ vectors.T
    picks, filled = greedy_residual_and_fill(gram, 12, stream(0, "pick"), sample)
    assert filled.item() == 12 - rank and len(picks.unique()) == 12


def test_the_selection_of_divbs_carries_its_share():
    method = method_of("divbs")
    equal = torch.ones(16, 16)
    selection = method.selector(equal, 8, stream(0, "select"))
    assert selection.random_share is not None
    assert selection.random_share.item() == pytest.approx(7 / 8)
