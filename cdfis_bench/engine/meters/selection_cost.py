"""The cost of selecting a mini-batch, in steps of uniform sampling."""

from collections.abc import Mapping


def selection_cost(
    totals: Mapping[str, float | int], steps: int, open_steps: int
) -> dict[str, float | None]:
    """Returns step_cost and break_even of a run; both None if its gate never opened.

    step_cost is measured: seconds of a step while the gate was open over those of a uniform step,
    which has the same update and loads only the samples that it trains on. break_even is the same
    in forward passes of one sample, a backward pass counting as two; it is (K + 3 N) / 3 N for one
    scoring forward pass of K candidates. A method pays if it needs fewer steps than uniform
    sampling by more than that factor.

    Args:
        totals: CostMeter.totals().
        steps: Finished steps.
        open_steps: Those of them with an open gate, which may have closed again.

    Source: Katharopoulos and Fleuret 2018, section 3.3.
    """
    if open_steps == 0:
        return {"step_cost": None, "break_even": None}
    open_share = open_steps / steps
    trained = totals["samples_trained"]
    used = min(trained / max(totals["samples_loaded"], 1), 1.0)  # share of the loaded samples
    uniform = totals["load_seconds"] * used + totals["update_seconds"]
    extra = totals["load_seconds"] * (1 - used) + totals["score_seconds"] + totals["select_seconds"]
    forward, backward = (totals[f"{way}_samples"] - trained for way in ("forward", "backward"))
    return {
        "step_cost": 1 + extra / uniform / open_share,
        "break_even": 1 + (forward + 2 * backward) / (3 * trained) / open_share,
    }
