"""Every mistake at the command line: one sentence, exit code 1, no traceback, nothing written."""

import pytest

from tests.app.command import TINY, cdfis

CASES = [
    (["selectr=cdf"], "the key selectr is not known; did you mean selector"),
    (["selector.frm=rank"], "the key selector.frm is not known; did you mean selector.form"),
    (["selector=cdff"], "selector=cdff is not known; did you mean selector=cdf?"),
    (["experiment=fig9"], "experiment=fig9 is not known; did you mean experiment=fig"),
    (
        ["batch_size=many"],
        "batch_size: Value 'many' of type 'str' could not be converted to Integer",
    ),
    (["wandb.mode=sometimes"], "wandb.mode: Invalid value 'sometimes', expected one of"),
    (["seed=0,1"], "add -m"),
    (["dataset=pcam", "dataset.root=nowhere"], "split_test_y.h5 in nowhere/pcam; use dataset.down"),
    (["optimizer.lr=${nokey}"], "optimizer.lr: Interpolation key 'nokey' not found"),
    (["-m", "experiment=fig1,smoke"], "one experiment per command"),
    (["-m", "seed=0,1", "figure.x=[seconds]", "name=axis"], "is not a column; choose from"),
    (["threshold=none"], "threshold=none was renamed; use threshold=always"),
    (["kernel=plain"], "the key kernel was renamed; use backend=..."),
    (["+kernel=plain"], "the key kernel was renamed; use backend=..."),
    (["+scheduler=cosine"], "the key scheduler is not known"),
    (
        ["-m", "seed=0,1", "hydra/launcher=ensemble"],
        "hydra/launcher=ensemble was renamed; use hydra/launcher=batched_seeds",
    ),
    (["-m", "threshold=loss_ratio,none"], "threshold=none was renamed; use threshold=always"),
    (["-m", "kernel=plain,onednn"], "the key kernel was renamed; use backend=..."),
    (["-m", "optimizer.lr=interval(0,1)"], "is no list of values; use choice"),
    (
        ["-m", "selector=cdf,topkk", "seed=0"],
        "selector=topkk is not known; did you mean selector=topk",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "message"), CASES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_answered_in_one_sentence(tmp_path, arguments, message):
    result = cdfis(tmp_path, *arguments)
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "results" / "runs").exists()


def test_a_value_that_cannot_work_ends_a_single_run(tmp_path):
    result = cdfis(tmp_path, *TINY, "batch_size=2048")
    assert result.returncode == 1
    sentence = "batch_size=2048 exceeds large_batch_size=1024; lower batch_size or raise the other"
    assert result.stderr.strip() == f"cdfis_bench: {sentence}"


@pytest.mark.slow
def test_a_results_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    for sweep in ([], ["-m", "seed=0,1"]):
        result = cdfis(tmp_path, *sweep, *TINY, "results_dir=taken")
        assert result.returncode == 1
        assert "taken" in result.stderr and "cannot be written" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
