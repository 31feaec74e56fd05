"""All curves of an experiment as one tidy table."""

import pandas as pd

from cdfis_bench.records.stored_run import StoredRun


def curves(runs: list[StoredRun], labels: dict[str, str]) -> pd.DataFrame:
    """One row per run and evaluation: label, arm, run, seed, and the columns of records/schema.py.

    Added: sample_forward_equivalents, forward passes with a backward pass counted as two
    (the convention of Katharopoulos and Fleuret 2018).
    """
    tables = []
    for run in runs:
        arm = run.card["arm"]
        table = pd.DataFrame(run.rows()).assign(
            label=labels[arm], arm=arm, run=run.name, seed=run.card["seed"]
        )
        tables.append(table)
    everything = pd.concat(tables, ignore_index=True)
    everything["train_loss"] = pd.to_numeric(everything["train_loss"])  # null at step 0
    everything["sample_forward_equivalents"] = (
        everything["forward_samples"] + 2 * everything["backward_samples"]
    )
    return everything
