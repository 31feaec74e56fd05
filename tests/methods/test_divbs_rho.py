"""DivBS and RHO-LOSS.

Source: github.com/Feng-Hong/DivBS, methods/DivBS.py; github.com/OATML/RHO-Loss,
src/curricula/selection_methods.py.
"""

import pytest
import torch
from torch import nn

from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics.last_layer_gram import LastLayerGram
from cdfis_bench.selectors.greedy_residual import GreedyResidualSelector
from cdfis_bench.selectors.topk import TopkSelector
from tests.engine.small import run
from tests.methods.preset import method_of


def test_divbs_without_a_bias_compares_the_gradients_of_the_authors_code():
    """Theirs: the loss gradient at the logits times the features, without the bias."""
    generator = stream(0, "x")
    x, y = torch.randn(16, 5, generator=generator), torch.arange(16) % 3
    with drawing_from(stream(0, "init")):
        layer = nn.Linear(5, 3, bias=False)
    logits = layer(x).detach().requires_grad_()
    loss = nn.functional.cross_entropy(logits, y, reduction="sum")
    at_logits = torch.autograd.grad(loss, logits)[0]
    theirs = (at_logits.unsqueeze(2) * x.unsqueeze(1)).flatten(1)
    gram = LastLayerGram(16)(nn.Sequential(layer), Batch(x, y, torch.arange(16)))
    assert torch.allclose(gram, theirs @ theirs.T, atol=1e-5)


def test_two_classes_on_50_inputs_have_51_directions_for_128_picks():
    """What the card says of Two Circles: the other 77 of a mini-batch are random."""
    method = method_of("divbs")
    assert isinstance(method.selector, GreedyResidualSelector) and method.selector.pick == "argmax"
    with drawing_from(stream(0, "init")):
        model = nn.Sequential(nn.Linear(2, 50), nn.ReLU(), nn.Linear(50, 2)).double()
    x = torch.randn(256, 2, generator=stream(0, "x"), dtype=torch.float64)
    gram = method.metric(model, Batch(x, torch.arange(256) % 2, torch.arange(256)))
    assert torch.linalg.matrix_rank(gram, rtol=1e-12) <= 51


def test_rho_selects_the_highest_difference_from_the_first_step():
    method = method_of("rho")
    assert isinstance(method.selector, TopkSelector) and method.threshold.open
    losses, irreducible = torch.tensor([3, 1, 2, 0.5]), torch.tensor([2.9, 0.2, 0.5, 0.6])
    chosen = method.selector(losses - irreducible, 2, stream(0, "select")).indices
    assert sorted(chosen.tolist()) == [1, 2]


def test_rho_pays_for_its_holdout_models_and_has_so_many_steps_left():
    """Two models of a tenth of the budget each, n forward passes; then K + 3 N per step."""
    k, n, train_size, uniform_steps = 256, 32, 3000, 200
    _, summary = run("method=rho", "budget.steps=null", f"budget.uniform_steps={uniform_steps}")
    left = 3 * n * (uniform_steps - 2 * 20) - train_size
    assert summary["steps"] == pytest.approx(left / (k + 3 * n), abs=1)
    # The same steps cost (K + 3 N) / 3 N uniform ones each if the losses are there already.
    assert summary["steps"] < 0.7 * uniform_steps * 3 * n / (k + 3 * n)
