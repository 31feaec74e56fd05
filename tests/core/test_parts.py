"""Base classes: defaults for every hook, and misspelt names are refused."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.method import Method, Scoring
from cdfis_bench.core.parts import LogitMetric, Metric, Part, Selector, Source, Threshold, Weighting
from cdfis_bench.core.types import MiniBatch, Selection, Sizes, StepEnd
from cdfis_bench.engine.fit import check_fit, check_part
from cdfis_bench.metrics.loss import Loss
from cdfis_bench.selectors.topk import TopkSelector
from cdfis_bench.sources.presample import PresampleSource
from cdfis_bench.thresholds.fixed import FixedThreshold
from cdfis_bench.weightings.none import NoWeighting
from tests.sources.fakes import samples

BASES = (Metric, Selector, Weighting, Threshold, Source)


def subclass(base, **names):
    return type("Guest", (base,), names)


@pytest.mark.parametrize(
    ("base", "name", "value", "meant"),
    [
        (Selector, "on_step_ends", lambda self, step_end: None, "on_step_end"),
        (Metric, "setUp", lambda self, sizes: None, "setup"),
        (Threshold, "load_state_dicts", lambda self, state: None, "load_state_dict"),
        (Selector, "acepts_negative_scores", True, "accepts_negative_scores"),
        (Metric, "forward_passe", 0, "forward_passes"),
        (Weighting, "need_probabilities", True, "needs_probabilities"),
        (Source, "need_dataset_metric", True, "needs_dataset_metric"),
        (Threshold, "need_loss", False, "needs_loss"),
    ],
)
def test_a_misspelt_hook_or_capability_is_refused_when_the_class_is_defined(
    base, name, value, meant
):
    with pytest.raises(TypeError, match=f"Guest.{name} is no hook .* did you mean {meant}"):
        subclass(base, **{name: value})


@pytest.mark.parametrize("base", BASES)
def test_an_unknown_hook_is_refused(base):
    with pytest.raises(TypeError, match=r"Guest.on_epoch is no hook or capability"):
        subclass(base, on_epoch=lambda self: None)


@pytest.mark.parametrize("value", ["no", None, 3])
def test_a_capability_of_another_type_is_refused(value):
    with pytest.raises(TypeError, match=r"Guest.uses_scores = .* must be a bool"):
        subclass(Selector, uses_scores=value)


@pytest.mark.parametrize("base", BASES)
def test_unrelated_attributes_are_a_parts_own_business(base):
    names = {"start": 0.5, "end": 1, "learn": True, "masses": None, "seed": 3, "alpha": 0.1}
    assert subclass(base, **names).start == 0.5


def test_a_misspelt_capability_of_an_object_is_refused_when_the_run_is_built():
    selector = TopkSelector()
    selector.accept_negative_scores = False
    with pytest.raises(UserError, match="did you mean accepts_negative_scores"):
        check_part("selector", selector)


def test_a_part_of_another_group_is_refused():
    with pytest.raises(UserError, match=r"Loss is no selector: let it inherit from .*Selector"):
        check_part("selector", Loss())


def test_an_incomplete_part_cannot_be_made():
    with pytest.raises(TypeError, match="from_logits"):
        subclass(LogitMetric)()


class First(Selector):
    """The first n, whatever their scores."""

    start = 0.5

    def __call__(self, scores, n, generator):
        return Selection(torch.arange(n))


class Listening(First):
    """Counts the steps that it is shown."""

    def __init__(self):
        self.steps = []

    def on_step_end(self, step_end):
        self.steps.append(step_end.step)


def method(selector):
    source = PresampleSource(samples(8), 4, 2)
    scoring = Scoring(False, 100)
    return Method(source, Loss(), selector, NoWeighting(), FixedThreshold(True), scoring)


def test_a_guest_with_two_methods_is_complete():
    one = method(First())
    check_part("selector", one.selector)
    check_fit(one)
    one.setup(Sizes(8, 4, 2, torch.device("cpu")))
    assert not one.listens and one.selecting
    assert one.state_dict()["selector"] == {}


def test_only_parts_that_listen_are_shown_a_step():
    selector = Listening()
    one = method(selector)
    assert one.listens
    batch = samples(8).batch(torch.tensor([0, 1]))
    one.on_step_end(StepEnd(3, 0.1, MiniBatch(batch), torch.zeros(2, 2), torch.zeros(2)))
    assert selector.steps == [3]


def test_every_hook_of_a_part_has_a_default():
    hooks = {name for name in vars(Part) if not name.startswith("_")}
    assert hooks == {"setup", "on_step_end", "state_dict", "load_state_dict"}
