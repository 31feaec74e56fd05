"""Dataset pruning as a user runs it: rank, then train on a part."""

import json

import pandas as pd
import pytest

from tests.app.command import TINY, cdfis

FEW = [
    *(value for value in TINY if "steps" not in value and "train_size" not in value),
    "dataset.train_size=512",
    "large_batch_size=128",
    "batch_size=64",
    "seed=0,1",
]


@pytest.mark.slow
def test_pruning_ranks_first_and_then_trains_on_a_part(tmp_path):
    """From the runs that rank to the picture; without a ranking it is refused in a line."""
    prune = ["experiment=prune", "budget.steps=${cdfis.kept_steps:20}", *FEW]
    early = cdfis(tmp_path, *prune, "keep.by=top_el2n", "keep.fraction=0.25", "keep.equal=steps")
    assert early.returncode == 1 and len(early.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("results/runs/*")), "refused before any job"
    assert "run experiment=prune_scores first" in early.stdout + early.stderr

    rank = ["experiment=prune_scores", "method=uniform,loss_cdf_now", "budget.steps=20"]
    ranked = cdfis(tmp_path, *rank, *FEW)
    assert ranked.returncode == 0, ranked.stdout + ranked.stderr
    rules = ["random", "top_el2n", "bottom_forgetting", "top_inclusion"]
    pruned = cdfis(tmp_path, *prune, f"keep.by={','.join(rules)}", "keep.fraction=0.25,1.0")
    assert pruned.returncode == 0, pruned.stdout + pruned.stderr

    table = pd.read_csv(tmp_path / "results" / "experiments" / "prune" / "prune.csv")
    assert sorted(table["by"].unique()) == sorted(rules) and len(table) == 4 * 2
    assert table["minus_whole"].notna().all()
    assert table.set_index("by")["minus_random"].drop("random").notna().all()
    records = [json.loads(file.read_text()) for file in tmp_path.glob("results/runs/*/run.json")]
    parts = [record for record in records if record["config"]["keep"]["fraction"] == 0.25]
    steps = {(record["config"]["keep"]["equal"], record["summary"]["steps"]) for record in parts}
    assert steps == {("steps", 20), ("epochs", 5)}
    assert {record["train_samples"] for record in parts} == {128}
    whole = [record for record in records if record not in parts]
    assert len(whole) == 2 * 2 + 2, "two methods that rank, and one arm on everything"
