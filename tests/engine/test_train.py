"""The loop: paired arms, exact repeats, honest counts."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.records.schema import CURVE_COLUMNS, SAMPLE_ARRAYS, VALIDATION_COLUMNS
from tests.engine.small import numbers, run, setup

ARMS = ["uniform", "loss_topk", "loss_cdf", "grad_norm_topk", "grad_norm_cdf"]


@pytest.mark.parametrize("arm", ["uniform", "loss_cdf", "grad_norm_topk"])
def test_the_same_run_twice_in_one_process_is_equal_bit_for_bit(arm):
    (a, sa), (b, sb) = run(f"method={arm}"), run(f"method={arm}")
    assert numbers(a.rows) == numbers(b.rows)
    assert all(torch.equal(a.arrays[name], b.arrays[name]) for name in a.arrays)
    assert numbers([sa.to_json()]) == numbers([sb.to_json()])


def test_another_seed_is_another_run():
    assert numbers(run("seed=0")[0].rows) != numbers(run("seed=1")[0].rows)


def test_all_arms_of_a_seed_coincide_until_the_gate_opens():
    """Design decision 2: what differs before the gate would not be the method's doing."""
    closed = [row for row in numbers(run("method=uniform")[0].rows)]
    for arm in ARMS[1:]:
        memory, summary = run(f"method={arm}", "threshold.fraction=0.95")
        gate = summary["gate_open_step"]
        assert 0 < gate < 30, "choose a fraction that opens in the middle of the test's run"
        before = [row for row in numbers(memory.rows) if row["step"] <= gate]
        shared = [row for row in closed if row["step"] <= gate]
        for ours, theirs in zip(before, shared, strict=True):
            assert ours["test_loss"] == theirs["test_loss"]
            assert ours["train_loss"] == theirs["train_loss"]
        last = numbers(memory.rows)[-1]
        assert last["test_loss"] != closed[-1]["test_loss"]


def test_never_and_fraction_zero_and_uniform_are_the_same_training():
    uniform = numbers(run("method=uniform")[0].rows)
    assert numbers(run("threshold=never")[0].rows) == uniform
    assert numbers(run("threshold.fraction=0")[0].rows) == uniform


def test_rows_hold_all_columns_at_every_evaluation():
    memory, summary = run("method=loss_cdf", "budget.steps=35")
    assert [row["step"] for row in memory.rows] == [0, 10, 20, 30, 35]
    columns = [name for name in CURVE_COLUMNS if name not in VALIDATION_COLUMNS]
    assert all(list(row) == columns for row in memory.rows)
    assert memory.rows[0]["train_loss"] is None
    assert summary["test_accuracy"] == memory.rows[-1]["test_accuracy"]


@pytest.mark.parametrize(("arm", "backward"), [("loss_cdf", 0), ("grad_norm_cdf", 1)])
def test_counts_are_those_of_the_method(arm, backward):
    memory, _ = run(f"method={arm}", "threshold=always")
    last = memory.rows[-1]
    assert last["samples_loaded"] == last["samples_scored"] == 40 * 256
    assert last["samples_trained"] == 40 * 32
    assert last["forward_samples"] == 40 * (256 + 32)
    assert last["backward_samples"] == 40 * (32 + backward * 256)


def test_uniform_loads_and_scores_nothing_extra():
    last = run("method=uniform")[0].rows[-1]
    assert last["samples_loaded"] == last["samples_trained"] == 40 * 32
    assert last["samples_scored"] == 0
    last = run("selector=uniform", "threshold=always")[0].rows[-1]
    assert last["samples_loaded"] == 40 * 32


def test_usage_counts_every_offer_and_every_selection():
    memory, summary = run("method=loss_cdf", "threshold.fraction=0.95")
    gate = summary["gate_open_step"]
    arrays = memory.arrays
    assert arrays["selected_count"].sum() == 40 * 32
    assert arrays["offered_count"].sum() == gate * 32 + (40 - gate) * 256
    assert arrays["selected_count_open"].sum() == (40 - gate) * 32
    assert arrays["offered_count_open"].sum() == (40 - gate) * 256
    chosen = arrays["selected_count"] > 0
    assert (arrays["offered_count"][chosen] > 0).all(), "selected without being offered"
    assert list(arrays) == list(SAMPLE_ARRAYS)
    assert all(values.dtype == torch.int32 and len(values) == 3000 for values in arrays.values())


def test_usage_with_a_gate_that_was_never_closed_is_all_since_it_opened():
    arrays = run("threshold=always")[0].arrays
    for name in ("selected_count", "offered_count"):
        assert torch.equal(arrays[f"{name}_open"], arrays[name])


def test_usage_with_a_gate_that_never_opens_is_all_of_the_uniform_phase():
    arrays = run("method=uniform")[0].arrays
    assert arrays["selected_count"].sum() == 40 * 32
    assert arrays["selected_count_open"].sum() == arrays["offered_count_open"].sum() == 0


def test_patterns_are_the_selected_rows_with_the_prediction_before_the_update():
    training = setup("threshold=always", "pattern_every=20", "method=loss_topk")
    memory = type("M", (), {"row": lambda *a, **k: None})()
    memory.arrays = {}
    memory.array = lambda name, values: memory.arrays.__setitem__(name, values.clone())
    model = training.model
    with torch.no_grad():
        everywhere = training.dataset.train.batch(torch.arange(3000))
        initial = model(everywhere.x).argmax(1)
    from cdfis_bench.engine.loop import train

    train(training, memory)
    index = memory.arrays["pattern/000000/index"]
    assert torch.equal(memory.arrays["pattern/000000/x"], everywhere.x[index])
    assert torch.equal(memory.arrays["pattern/000000/prediction"], initial[index])
    assert "pattern/000020/x" in memory.arrays and "pattern/000040/x" not in memory.arrays


def test_topk_trains_on_the_candidates_with_the_highest_loss():
    """Brute force: the first step's candidates, scored by the initial network."""
    training = setup("threshold=always", "pattern_every=1", "budget.steps=1", "method=loss_topk")
    rows = torch.randperm(3000, generator=stream(0, "order"))[:256]
    batch = training.dataset.train.batch(rows)
    with torch.no_grad():
        losses = torch.nn.functional.cross_entropy(
            training.model(batch.x).double(), batch.y, reduction="none"
        )
    expected = set(rows[losses.topk(32).indices].tolist())
    from tests.engine.small import Memory

    memory = Memory()
    from cdfis_bench.engine.loop import train

    train(training, memory)
    assert set(memory.arrays["pattern/000000/index"].tolist()) == expected


def test_one_uniform_step_is_the_plain_pytorch_step():
    """The engine's update against four lines of PyTorch."""
    training = setup("method=uniform", "budget.steps=5")
    with drawing_from(stream(0, "init")):
        model = torch.nn.Sequential(torch.nn.Linear(2, 50), torch.nn.ReLU(), torch.nn.Linear(50, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005, fused=True)
    order = torch.randperm(3000, generator=stream(0, "order"))
    for step in range(5):
        batch = training.dataset.train.batch(order[32 * step : 32 * (step + 1)])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(batch.x), batch.y).backward()
        optimizer.step()
    from cdfis_bench.engine.loop import train
    from tests.engine.small import Memory

    train(training, Memory())
    for ours, plain in zip(training.model.parameters(), model.parameters(), strict=True):
        assert torch.allclose(ours, plain, rtol=0, atol=1e-6)


def test_a_budget_of_seconds_ends_the_run():
    _, summary = run("budget.steps=null", "budget.train_seconds=0.05")
    assert summary["train_seconds"] >= 0.05
    assert summary["train_seconds"] < 0.5


def test_seconds_of_the_phases_add_up_and_leave_out_evaluation():
    _, summary = run("threshold=always")
    phases = ("load", "score", "select", "update")
    assert summary["train_seconds"] == pytest.approx(sum(summary[f"{p}_seconds"] for p in phases))
    assert all(summary[f"{p}_seconds"] > 0 for p in (*phases, "eval"))


def test_equal_cost_is_counted_in_uniform_steps():
    """K = 256, N = 32: a step that scores costs (256 + 3 x 32) / (3 x 32) = 3.67 of them."""
    cost = ["budget.steps=null", "budget.uniform_steps=44"]
    assert run("method=uniform", *cost)[1]["steps"] == 44
    summary = run("method=loss_cdf", "threshold=always", *cost)[1]
    assert summary["steps"] == 12
    assert summary["break_even"] == pytest.approx((256 + 3 * 32) / (3 * 32))
    assert summary["step_cost"] > 1
    summary = run("method=grad_norm_cdf", "threshold=always", *cost)[1]
    assert summary["steps"] == 5  # a scoring step costs 9 uniform ones
    assert summary["break_even"] == pytest.approx((3 * 256 + 3 * 32) / (3 * 32))


def test_the_break_even_does_not_depend_on_when_the_gate_opened():
    early, late = (run("method=loss_cdf", f"threshold.fraction={f}")[1] for f in (0.99, 0.95))
    assert 0 < early["gate_open_step"] < late["gate_open_step"] < 40
    assert early["break_even"] == pytest.approx(late["break_even"]) == pytest.approx(11 / 3)
    assert run("method=uniform")[1]["break_even"] is None


def test_a_gate_that_closes_again_is_counted_as_such():
    """Every second step from the middle of the budget to nine tenths of it."""
    window = ["threshold=window", "threshold.start=0.5", "threshold.end=0.9"]
    memory, summary = run(*window, "selector=topk", "budget.steps=80")
    opened = summary["samples_scored"] // 256
    assert summary["gate_open_step"] == 41
    assert opened == 16
    assert summary["samples_loaded"] == opened * 256 + (80 - opened) * 32
    assert summary["break_even"] == pytest.approx((256 + 3 * 32) / (3 * 32))
    assert memory.arrays["offered_count_open"].sum() == opened * 256 + (80 - 41 - opened) * 32


def test_kf18_opens_and_closes_with_the_concentration_of_the_scores():
    """tau rises by fits and starts while samples are learned: some levels are passed twice."""
    level = ["threshold.level=1.04", "threshold.momentum=0.5", "threshold.debias=true"]
    memory, summary = run("method=kf18_loss", *level, "eval_every=1")
    gates = [row["gate_open"] for row in memory.rows]
    opened = summary["gate_open_step"]
    assert gates.index(True) == opened > 0
    assert False in gates[opened:]
    assert summary["samples_scored"] == 256 * sum(gates[:-1])


def test_pairs_of_candidates_are_compared_across_chunks():
    whole, parts = run("method=divbs"), run("method=divbs", "chunk_size=100")
    a, b = whole[0].arrays["selected_count"], parts[0].arrays["selected_count"]
    assert torch.equal(a, b)
    last = whole[0].rows[-1]
    assert last["distinct_share"] == 1 and last["score_tau"] is None


def test_random_scores_cost_no_forward_pass_and_leave_the_data_order_alone():
    uniform, presampled = run("method=uniform"), run("method=uniform_presample")
    assert presampled[1]["forward_samples"] == uniform[1]["forward_samples"]
    assert presampled[1]["samples_loaded"] == 40 * 256
    offered = torch.randperm(3000, generator=stream(0, "order"))[:256]
    assert (presampled[0].arrays["offered_count"][offered] > 0).all()


def test_diagnostics_obey_their_laws():
    """The bias of CDF sampling by loss is tau^2 in expectation; top-k never repeats a sample."""
    cdf = run("threshold=always", "budget.steps=200", "eval_every=200")[0].rows[-1]
    assert 1 < cdf["score_tau"] < 256**0.5
    assert cdf["score_bias"] == pytest.approx(cdf["score_tau"] ** 2, rel=0.1)
    assert 0.8 < cdf["distinct_share"] < 1
    topk = run("method=loss_topk", "threshold=always")[0].rows[-1]
    assert topk["distinct_share"] == 1
    uniform = run("method=uniform")[0].rows[-1]
    assert uniform["score_tau"] is uniform["distinct_share"] is uniform["score_bias"] is None


def test_a_diverging_run_is_stopped_with_the_step():
    with pytest.raises(UserError, match=r"diverged.*lower optimizer\.lr"):
        run("optimizer.lr=1e30")


def test_broken_scores_fall_back_to_uniform_and_are_counted(monkeypatch):
    from cdfis_bench.metrics.loss import Loss

    monkeypatch.setattr(
        Loss, "__call__", lambda self, model, batch: torch.full((len(batch),), torch.nan)
    )
    memory, summary = run("threshold=always")
    assert summary["fallback_count"] == 40
    assert memory.rows[1]["fallback_count"] == 10


def test_scoring_in_chunks_selects_the_same():
    whole, parts = run("threshold=always"), run("threshold=always", "chunk_size=100")
    a, b = whole[0].arrays["selected_count"], parts[0].arrays["selected_count"]
    assert torch.equal(a, b)


def test_class_shares_are_those_of_what_was_trained_on():
    memory, summary = run("method=loss_topk", "threshold=always")
    y, selected = setup().dataset.train.y, memory.arrays["selected_count"]
    for name, weights in (
        ("train_class_shares", torch.ones(3000)),
        ("selected_class_shares", selected),
    ):
        inside = float(weights[y == 1].sum() / weights.sum())
        assert summary[name] == pytest.approx([1 - inside, inside])
    assert summary["selected_class_shares"] != summary["train_class_shares"]
