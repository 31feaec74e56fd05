"""Names and meaning of everything that a run records. Units are part of the names."""

SCHEMA_VERSION = 1

# One row of curve.jsonl per evaluation. Seconds and counts are totals since the start of the run.
CURVE_COLUMNS: dict[str, str] = {
    "step": "optimization steps finished",
    "train_seconds": "load + score + select + update; excludes evaluation, recording and warm-up",
    "load_seconds": "gathering candidates",
    "score_seconds": "the metric",
    "select_seconds": "the selector and the weighting",
    "update_seconds": "forward pass, backward pass and optimizer step on the mini-batch",
    "eval_seconds": "evaluation on the test and validation set (not part of train_seconds)",
    "samples_loaded": "samples gathered",
    "samples_scored": "samples scored by the metric",
    "samples_trained": "samples trained on, counting repeats",
    "forward_samples": "single-sample forward passes, for scoring and training",
    "backward_samples": "single-sample backward passes, for scoring and training",
    "gate_open": "whether importance sampling was on at this step",
    "train_loss": "mean loss of the mini-batches since the previous row; null at step 0",
    "score_tau": "sqrt(K sum g^2) of the K scores, g = s / sum s; mean of every 10th such step",
    "distinct_share": "distinct samples in a mini-batch / N; mean of every 10th selecting step",
    "score_bias": "mean score of the selected / of the candidates; mean of every 10th such step",
    "fallback_count": "steps drawn uniformly because the scores could not be used",
    "test_loss": "mean loss on the whole test set",
    "test_accuracy": "fraction of the whole test set classified correctly",
    # Only with dataset.validation_fraction above 0.
    "validation_loss": "mean loss on the whole validation set",
    "validation_accuracy": "fraction of the whole validation set classified correctly",
}
VALIDATION_COLUMNS = ("validation_loss", "validation_accuracy")

# Arrays of arrays.h5, one value per training sample, in the order of the dataset. `_open`: counted
# since the threshold opened, zero if it never did. With pattern_every: also pattern/<step>/...
SAMPLE_ARRAYS: dict[str, str] = {
    "selected_count": "times trained on, counting repeats within a mini-batch",
    "offered_count": "times among the candidates",
    "selected_count_open": "the same since the gate opened",
    "offered_count_open": "the same since the gate opened",
    "train_prediction": "class that the trained network predicts",
}

# Further arrays of a run with record_learning=true.
LEARNING_ARRAYS: dict[str, str] = {
    "presented_count": "mini-batches that contained the sample",
    "learned_count": "times its classification changed from wrong to right between presentations",
    "forgotten_count": "times its classification changed from right to wrong between presentations",
    "el2n": "norm of (predicted probabilities - one-hot label) after a tenth of the budget",
}
