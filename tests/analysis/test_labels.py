"""A legend entry is one arm."""

import pytest

from cdfis_bench.analysis.arms import arms_of, baseline_of
from cdfis_bench.analysis.labels import arm_labels
from cdfis_bench.core.errors import UserError
from tests.analysis.fabricate import run


def labels_of(runs, hue="method"):
    return list(dict.fromkeys(arm_labels(runs, hue).values()))


def test_seeds_of_an_arm_share_their_methods_name(tmp_path):
    runs = [run(tmp_path, m, s) for m in ("uniform", "loss_cdf") for s in (0, 1)]
    assert labels_of(runs) == ["uniform", "loss_cdf"]
    assert [len(arm.runs) for arm in arms_of(runs)] == [2, 2]


def test_a_configuration_key_is_a_label_and_uniform_stays_uniform(tmp_path):
    runs = [run(tmp_path, arm=f"a{f}", threshold__fraction=f) for f in (0.26, 0.9)]
    runs.append(run(tmp_path, "uniform", threshold__fraction=0))
    assert labels_of(runs, "threshold.fraction") == ["0.26", "0.9", "uniform"]
    assert [arm.label for arm in arms_of(runs, "threshold.fraction")] == ["uniform", "0.26", "0.9"]


def test_a_key_that_no_run_has_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"figure\.hue=threshold\.fractoin is not a key"):
        arm_labels([run(tmp_path)], "threshold.fractoin")


def test_a_run_without_the_key_says_so(tmp_path):
    runs = [run(tmp_path), run(tmp_path, arm="b", threshold={"name": "none"})]
    assert labels_of(runs, "threshold.fraction") == ["0.74", "no threshold.fraction"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{"optimizer__lr": 0.1}, {"optimizer__lr": 0.2}], ["lr=0.1", "lr=0.2"]),
        ([{"selector__form": "mass"}, {"selector__form": "rank"}], ["form=mass", "form=rank"]),
        (
            [{"selector__name": "cdf"}, {"selector__name": "mine"}],
            ["selector=cdf", "selector=mine"],
        ),
        # A dataset brings sizes of its own: its name says it all. A second sweep adds its key.
        (
            [
                {"dataset": {"name": name, "train_size": size}, "large_batch_size": k}
                for name, size in (("mnist", 1), ("pcam", 2))
                for k in (64, 128)
            ],
            [
                f"dataset={name}, large_batch_size={k}"
                for name in ("mnist", "pcam")
                for k in (64, 128)
            ],
        ),
        # What decides no number of a run tells no arms apart.
        ([{"results_dir": "a", "name": "x"}, {"results_dir": "b", "name": "y"}], ["id=0", "id=1"]),
    ],
)
def test_arms_of_one_method_are_told_apart_by_what_differs(tmp_path, changes, expected):
    runs = [run(tmp_path, arm=f"{i}", seed=s, **c) for i, c in enumerate(changes) for s in (0, 1)]
    assert labels_of(runs) == [f"loss_cdf, {text}" for text in expected]


def test_an_ambiguous_leaf_is_named_in_full(tmp_path):
    runs = [
        run(tmp_path, arm=f"{k}", weighting={"form": "a"}, selector__form=k) for k in ("x", "y")
    ]
    assert labels_of(runs) == ["loss_cdf, selector.form=x", "loss_cdf, selector.form=y"]


def test_each_arm_is_held_against_the_uniform_arm_most_like_it(tmp_path):
    runs = [
        run(tmp_path, method, arm=f"{method}{k}", large_batch_size=k)
        for method in ("uniform", "loss_cdf")
        for k in (64, 128)
    ]
    small, large, *others = arms = arms_of(runs)
    assert [baseline_of(arm, arms) for arm in others] == [small, large]
    assert baseline_of(others[0], [large, *others]) is large, "the only one there is"
    assert baseline_of(others[0], others) is None


def test_uniform_sampling_of_other_data_is_no_baseline(tmp_path):
    mine = run(tmp_path)
    other = run(tmp_path, "uniform", dataset={"name": "mnist"})
    arms = arms_of([mine, other])
    assert baseline_of(arms[1], arms) is None


def test_a_tie_between_uniform_arms_gives_no_baseline(tmp_path):
    tied = [run(tmp_path, "uniform", arm=f"u{k}", large_batch_size=k) for k in (64, 128)]
    arms = arms_of([*tied, run(tmp_path)])
    assert baseline_of(arms[-1], arms) is None
