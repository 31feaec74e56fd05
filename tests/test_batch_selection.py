"""Three lines in somebody's own training loop."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from cdfis_bench import select
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.parts import Metric, Selector
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Selection


def problem():
    with drawing_from(stream(0, "model")):
        model = torch.nn.Sequential(
            torch.nn.Linear(2, 16), torch.nn.Dropout(), torch.nn.Linear(16, 2)
        )
    x = torch.randn(64, 2, generator=stream(0, "x"))
    return model, x, (x[:, 0] > 0).long()


class Pooled(torch.nn.Module):
    """Gives one row for all candidates."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.linear(x).mean(0)


def test_the_three_lines_train_a_network():
    model, x, y = problem()
    optimizer, draws = torch.optim.SGD(model.parameters(), lr=0.5), stream(0, "select")
    with drawing_from(stream(0, "dropout")):
        for _ in range(60):
            chosen = select(model, x, y, n=16, generator=draws).indices
            loss = cross_entropy(model(x[chosen]), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    accuracy = (model.eval()(x).argmax(1) == y).float().mean()
    assert accuracy > 0.9


def test_the_network_is_left_as_it_was():
    model, x, y = problem()
    model[1].eval()
    before = [(m.training, [p.clone() for p in m.parameters()]) for m in model.modules()]
    select(model, x, y, n=8, metric="grad_norm", selector="topk", generator=stream(0, "s"))
    for (mode, weights), module in zip(before, model.modules(), strict=True):
        assert module.training == mode
        assert all(map(torch.equal, weights, module.parameters()))
    assert all(p.grad is None for p in model.parameters())


def test_topk_takes_the_highest_losses():
    model, x, y = problem()
    chosen = select(model, x, y, n=5, selector="topk", generator=stream(0, "s")).indices
    losses = cross_entropy(model.eval()(x), y, reduction="none")
    assert set(chosen.tolist()) == set(losses.topk(5).indices.tolist())


def test_parts_of_ones_own():
    """A metric and a selector of a few lines, without the package knowing them."""

    class Distance(Metric):
        def __call__(self, model, batch):
            return batch.x.norm(dim=1)

    class Every(Selector):
        def __call__(self, scores, n, generator):
            order = scores.argsort()
            return Selection(order[:: len(order) // n][:n])

    model, x, y = problem()
    chosen = select(model, x, y, n=4, metric=Distance(), selector=Every()).indices
    assert torch.equal(x.norm(dim=1)[chosen], x.norm(dim=1).sort().values[::16])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"n": 4, "selector": "bandit"},
            "BanditSelector keeps a distribution over the whole",
        ),
        ({"n": 16, "selector": "mean_cut"}, "MeanCutSelector accepts as many samples as it likes"),
        ({"n": 4, "metric": "memory"}, "Memory keeps values of the whole training set"),
        ({"n": 4, "metric": "reducible", "selector": "topk"}, "ReducibleLoss keeps values of"),
        ({"n": 4, "metric": "none"}, "needs scores, which metric=none does not give"),
        ({"n": 4, "selector": "greedy_residual"}, "use metric=last_layer_gram"),
        ({"n": 65}, "n=65 must be from 1 to the number of candidates, 64"),
        ({"n": 4, "metric": "los"}, "metric='los' is not known; choose one of: entropy, grad_norm"),
    ],
)
def test_mistakes_are_answered_in_one_sentence(values, sentence):
    with pytest.raises(UserError, match=sentence):
        select(*problem(), **values)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m, x, y: (m, x, y.float()), r"y is torch.float32, .*regression.*y\.long"),
        (lambda m, x, y: (m, x, torch.randn(64)), "regression"),
        (lambda m, x, y: (m, x, torch.eye(2)[y].long()), r"y of shape \(64, 2\).*y.argmax"),
        (lambda m, x, y: (m, x, y[:, None]), r"y of shape \(64, 1\).*y.flatten"),
        (lambda m, x, y: (m, x, y.int()), "y is torch.int32, but labels are int64"),
        (lambda m, x, y: (m, x, y.bool()), "y is torch.bool, but labels are int64"),
        (lambda m, x, y: (m, x, y + 1), "labels from 1 to 2, but the network has 2 classes, 0 to"),
        (lambda m, x, y: (m, x, y - 100), "labels from -100 to -99"),
        (lambda m, x, y: (m, x, y.tolist()), "y is of type list; give a torch.Tensor"),
        (lambda m, x, y: (m, x.numpy(), y), "x is of type ndarray"),
        (lambda m, x, y: (m, x[:60], y), r"x of shape \(60, 2\) and y of shape \(64,\)"),
        (lambda m, x, y: (m, x, y[:60]), "as many rows"),
        (lambda m, x, y: (m, x[:0], y[:0]), "there are no candidates"),
        (lambda m, x, y: (m, x, y.to("meta")), "y on meta"),
        (lambda m, x, y: (m.to("meta"), x, y), "the network on meta"),
        (lambda m, x, y: (m.forward, x, y), "model is of type method"),
        (lambda m, x, y: (torch.nn.Linear(2, 1), x, y * 0), "gives 1 logit per candidate"),
        (lambda m, x, y: (Pooled(), x, y), "network (returned shape|with one row)"),
    ],
)
@pytest.mark.parametrize("metric", ["loss", "grad_norm", "grad_norm_bound"])
def test_candidates_that_would_be_scored_wrongly_are_refused(change, sentence, metric):
    with drawing_from(stream(0, "new network")), pytest.raises(UserError, match=sentence) as caught:
        select(*change(*problem()), n=4, metric=metric, generator=stream(0, "s"))
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 300


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "4", None])
def test_n_is_a_number_of_candidates(n):
    with pytest.raises(UserError, match=r"n=.* must be from 1 to the number of candidates, 64"):
        select(*problem(), n=n)


def test_a_generator_of_another_device_is_named():
    class Elsewhere:
        device = torch.device("cuda:0")

    with pytest.raises(UserError, match="the generator is on cuda:0, the candidates are on cpu"):
        select(*problem(), n=4, generator=Elsewhere())


def test_scores_of_another_shape_are_refused():
    class Column(Metric):
        def __call__(self, model, batch):
            return batch.x[:, :1]

    with pytest.raises(UserError, match=r"Column gave a tensor of shape \(64, 1\) .* \(64,\)"):
        select(*problem(), n=4, metric=Column(), generator=stream(0, "s"))


def test_a_network_is_asked_for_its_classes_once():
    model, x, y = problem()
    passes = []
    model.register_forward_hook(lambda *_: passes.append(1))
    for _ in range(3):
        select(model, x, y, n=4, generator=stream(0, "s"))
    assert len(passes) == 4


def test_a_class_without_the_base_class_is_refused():
    class Guest:
        def __call__(self, model, batch): ...

    with pytest.raises(UserError, match=r"Guest is no metric: let it inherit from .*parts\.Metric"):
        select(*problem(), n=4, metric=Guest())


@pytest.mark.parametrize("selector", sorted(path.stem for path in conf_dir().glob("selector/*")))
@pytest.mark.parametrize("metric", sorted(path.stem for path in conf_dir().glob("metric/*")))
def test_every_pair_of_options_selects_n_or_says_why_not(metric, selector):
    try:
        with drawing_from(stream(0, "random")):
            found = select(
                *problem(), n=16, metric=metric, selector=selector, generator=stream(0, "s")
            )
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert found.indices.shape == (16,)


def test_the_yaml_of_an_option_is_read_once(monkeypatch):
    select(*problem(), n=4, generator=stream(0, "s"))
    monkeypatch.setattr("cdfis_bench.batch_selection.OmegaConf.load", None)
    select(*problem(), n=4, generator=stream(0, "s"))


def test_a_selector_by_name_keeps_nothing_between_two_calls():
    """percentile_bernoulli would; it is refused. Of the others two calls are alike."""
    model, x, y = problem()
    first, second = (
        select(model, x, y, n=8, selector="rank_exponential", generator=stream(0, "s")).indices
        for _ in range(2)
    )
    assert torch.equal(first, second)
