"""What it costs to choose a mini-batch, in steps of uniform sampling."""

from collections.abc import Mapping


def selection_cost(
    totals: Mapping[str, float | int], steps: int, open_steps: int
) -> dict[str, float | None]:
    """step_cost and break_even of a run; None if its gate never opened.

    totals: CostMeter.totals(). open_steps: of all `steps`, those with an open gate, which may have
    closed again. step_cost: measured, seconds of a step while the gate was open over
    those of a uniform step, which has the same update and loads only what it trains on.
    break_even: the same counted in forward passes of one sample, a backward pass as two; it is
    (K + 3 N) / 3 N for one scoring forward pass of K candidates. A method wins if it needs fewer
    steps than uniform sampling by more than that factor.
    Source: Katharopoulos and Fleuret 2018, section 3.3.
    """
    if open_steps == 0:
        return {"step_cost": None, "break_even": None}
    open_share = open_steps / steps
    trained = totals["samples_trained"]
    used = min(trained / max(totals["samples_loaded"], 1), 1.0)  # of what was loaded
    uniform = totals["load_seconds"] * used + totals["update_seconds"]
    extra = totals["load_seconds"] * (1 - used) + totals["score_seconds"] + totals["select_seconds"]
    forward, backward = (totals[f"{way}_samples"] - trained for way in ("forward", "backward"))
    return {
        "step_cost": 1 + extra / uniform / open_share,
        "break_even": 1 + (forward + 2 * backward) / (3 * trained) / open_share,
    }
