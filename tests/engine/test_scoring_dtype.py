"""scoring_dtype=bfloat16: coarser scores, equal training, refused where it cannot be."""

import pytest
import torch

from cdfis_bench.config.build import build
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.method import Method, Scoring
from cdfis_bench.metrics import GradNorm, GradNormBound, GradNormLast, Loss
from cdfis_bench.selectors.uniform import UniformSelector
from cdfis_bench.sources.presample import PresampleSource
from cdfis_bench.thresholds.fixed import FixedThreshold
from cdfis_bench.weightings.none import NoWeighting
from tests.engine.small import configured, run, setup
from tests.metrics.networks import batch_for, network
from tests.sources.fakes import samples


def method_of(metric, scoring):
    """A method of which only the metric counts."""
    source = PresampleSource(samples(4), 4, 2)
    return Method(source, metric, UniformSelector(), NoWeighting(), FixedThreshold(False), scoring)


@pytest.mark.parametrize("metric", [Loss(), GradNormBound(), GradNormLast(), GradNorm()])
@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet", "used_twice", "tied_alike"])
def test_bfloat16_scores_are_float32_numbers_near_the_exact_ones(metric, name):
    model, batch = network(name), batch_for(name)

    def scores(dtype):
        scoring = Scoring(train_mode=False, chunk_size=16, dtype=dtype)
        return method_of(metric, scoring).score(model, batch)

    exact, coarse = scores(torch.float32), scores(torch.bfloat16)
    assert coarse.dtype == torch.float32
    assert not torch.equal(coarse, exact), "nothing was computed in bfloat16"
    torch.testing.assert_close(coarse, exact, rtol=0.1, atol=0.02)
    assert coarse.unique().numel() > 30, "rounded to half precision"


def test_bfloat16_changes_what_is_selected_and_not_how_it_is_trained():
    (exact, _), (coarse, _) = (
        run("threshold=always", f"scoring_dtype={dtype}") for dtype in ("float32", "bfloat16")
    )
    assert exact.rows[0]["test_loss"] == coarse.rows[0]["test_loss"]
    assert exact.rows[-1]["test_loss"] != coarse.rows[-1]["test_loss"]
    assert all(p.dtype == torch.float32 for p in setup("scoring_dtype=bfloat16").model.parameters())


def test_bfloat16_is_refused_on_a_device_without_it():
    with pytest.raises(UserError, match="use scoring_dtype=float32"):
        build(configured("scoring_dtype=bfloat16"), torch.device("meta"))
