"""The single list of what a run writes down. Units are in the names."""

SCHEMA_VERSION = 1

# One row of curve.jsonl per evaluation. Seconds and counts are totals since the start of the run.
CURVE_COLUMNS: dict[str, str] = {
    "step": "optimisation steps finished",
    "train_seconds": "load + score + select + update; evaluation, recording, warm-up are outside",
    "load_seconds": "gathering candidates",
    "score_seconds": "the metric",
    "select_seconds": "the selector and the weighting",
    "update_seconds": "forward, backward and optimiser step on the selected",
    "eval_seconds": "evaluation on the whole test set (not part of train_seconds)",
    "samples_loaded": "samples gathered",
    "samples_scored": "samples scored by the metric",
    "samples_trained": "samples trained on, repeats counted",
    "forward_samples": "forward passes of one sample, scoring and training",
    "backward_samples": "backward passes of one sample, scoring and training",
    "gate_open": "whether importance sampling was on at this step",
    "train_loss": "mean loss of the mini-batches since the previous row; null at step 0",
    "score_tau": "sqrt(K sum g^2) of the K scores, g = s / sum s; mean of every 10th such step",
    "distinct_share": "different samples in a mini-batch / N; mean of every 10th selecting step",
    "score_bias": "mean score of the selected / of the candidates; mean of every 10th such step",
    "fallback_count": "steps drawn uniformly because the scores could not be used",
    "test_loss": "mean loss on the whole test set",
    "test_accuracy": "fraction of the whole test set classified correctly",
}

# Arrays of arrays.h5, one value per training sample, in the dataset's order. `_open`: counted since
# the gate opened, zero if it never did. A run with pattern_every also has pattern/<step>/...
SAMPLE_ARRAYS: dict[str, str] = {
    "selected_count": "times trained on, repeats within a mini-batch counted",
    "offered_count": "times among the candidates",
    "selected_count_open": "the same since the gate opened",
    "offered_count_open": "the same since the gate opened",
    "train_prediction": "class that the trained network predicts",
}

# The same of a run with record_learning=true.
LEARNING_ARRAYS: dict[str, str] = {
    "presented_count": "mini-batches that it was in",
    "learned_count": "times it was classified correctly after it had not been, when presented",
    "forgotten_count": "times it was classified wrongly after it had been right, when presented",
    "el2n": "length of (predicted probabilities - label) after a tenth of the budget",
}
