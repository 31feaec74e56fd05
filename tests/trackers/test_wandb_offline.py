"""What an offline run leaves in W&B's own log, compared with what it was given."""

import json
import logging
import math
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from cdfis_bench.trackers.wandb import WandbRun, WandbTracker
from tests.trackers.some_run import SomeRun

from .offline_log import BLOCK_BYTES, LoggedRun, expected_history, read_run

MakeRun = Callable[[int], SomeRun]


def curve_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Rows as a run writes them: floats with all digits, counts, a flag, and a null at step 0."""
    draw = random.Random(seed)
    return [
        {
            "step": 10 * row,
            "train_seconds": row + draw.random(),
            "samples_trained": 1280 * row,
            "gate_open": row > 2,
            "fallback_count": 0,
            "train_loss": draw.random() if row else None,
            "test_loss": draw.random(),
            "test_accuracy": draw.random(),
        }
        for row in range(count)
    ]


def logged(some_run: SomeRun) -> LoggedRun:
    (folder,) = (some_run.results_dir / "wandb").glob(f"offline-run-*-{some_run.record.id}")
    return read_run(folder)


def test_offline_log_holds_the_run_as_given(
    make_run: MakeRun, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    some_run, rows = make_run(3), curve_rows(600, seed=0)
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / "figure.png")
    tracker = WandbTracker("offline", "some_project", "some_team")
    tracker.check()
    stdout = sys.stdout
    with some_run.open(tracker) as run:
        assert sys.stdout is stdout
        for row in rows:
            run.row("curve", **row)
        run.array("usage/selected_count", torch.arange(5))
        run.image("figure", tmp_path / "figure.png")
        run.summary(test_accuracy=0.125, gate_opened_step=None, status="finished")

    log = logged(some_run)
    (log_file,) = (some_run.results_dir / "wandb").glob("*/*.wandb")
    assert log_file.stat().st_size > 4 * BLOCK_BYTES
    assert (log.id, log.name, log.group, log.job_type) == (
        some_run.record.id,
        some_run.name,
        some_run.group,
        "run",
    )
    assert (log.project, log.exit_code) == ("some_project", 0)
    assert log.tags == ["two_circles", "loss_cdf", "fig3_two_circles"]
    assert {key: value for key, value in log.config.items() if key != "_wandb"} == {
        **some_run.record.config,
        "seed": 3,
    }
    assert log.history[:-1] == expected_history(rows)
    picture = log.history[-1]
    assert (picture["figure/_type"], picture["figure/width"], picture["figure/height"]) == (
        "image-file",
        40,
        30,
    )
    assert (log_file.parent / "files" / picture["figure/path"]).read_bytes() == (
        tmp_path / "figure.png"
    ).read_bytes()
    assert log.summary["test_accuracy"] == 0.125
    assert log.summary["gate_opened_step"] is None
    assert log.summary["status"] == "finished"
    assert capfd.readouterr() == ("", "")


def test_every_metric_has_its_x_axis(make_run: MakeRun) -> None:
    with make_run(0).open(WandbTracker()) as run:
        for row in curve_rows(3, seed=1):
            run.row("curve", **row)
        run.row("gate", step=20, mean_loss=0.5)
        run.row("cost", score_seconds=0.5)

    axes = logged(make_run(0)).x_axes
    assert [name for name, axis in axes.items() if not axis] == [
        *("step", "train_seconds", "samples_trained"),
        *("gate/step", "cost/score_seconds"),
    ]
    plain = ("gate_open", "fallback_count", "train_loss", "test_loss", "test_accuracy")
    assert {name for name, axis in axes.items() if axis == "step"} == set(plain)
    for prefix, axis in (("by_seconds", "train_seconds"), ("by_samples", "samples_trained")):
        mirrored = {f"{prefix}/{column}" for column in ("train_loss", "test_loss", "test_accuracy")}
        assert {name for name, x in axes.items() if x == axis} == mirrored
    assert axes["gate/mean_loss"] == "gate/step"


def test_rows_of_other_tables_carry_its_name_and_no_nulls(make_run: MakeRun) -> None:
    with make_run(0).open(WandbTracker()) as run:
        run.row("cost", score_seconds=0.5, load_seconds=None)
        run.row("cost", load_seconds=None)
        run.row("curve", step=1)
    assert logged(make_run(0)).history == [{"cost/score_seconds": 0.5}, {"step": 1}]


def test_summary_is_what_was_given_last_even_if_rows_follow(make_run: MakeRun) -> None:
    with make_run(0).open(WandbTracker()) as run:
        run.row("curve", step=1, train_seconds=0.1, test_accuracy=0.9)
        run.summary(test_accuracy=0.25, final_loss=math.nan)
        run.row("curve", step=2, train_seconds=0.2, test_accuracy=0.8)
        run.summary(steps=2)
    summary = logged(make_run(0)).summary
    assert (summary["test_accuracy"], summary["steps"], summary["step"]) == (0.25, 2, 2)
    assert summary["final_loss"] == "NaN"
    assert not [name for name in summary if name.startswith("by_")]


def test_twenty_runs_in_one_process_hold_their_own_rows(make_run: MakeRun, tmp_path: Path) -> None:
    tracker, seconds = WandbTracker(), []
    Image.new("RGB", (40, 30)).save(tmp_path / "figure.png")
    for number in range(20):
        start = time.perf_counter()
        with make_run(number).open(tracker) as run:
            for row in curve_rows(60, seed=number):
                run.row("curve", **row)
            run.image("figure", tmp_path / "figure.png")
            run.table("samples", [{"end": "most", "index": 10 * i, "rate": 0.5} for i in range(40)])
            run.summary(only=number)
        seconds.append(time.perf_counter() - start)
    for number in range(20):
        log = logged(make_run(number))
        assert log.id == make_run(number).record.id
        assert log.history[:-2] == expected_history(curve_rows(60, seed=number))
        assert log.history[-1]["samples/nrows"] == 40
        assert log.summary["only"] == number
    assert sum(seconds[1:]) / 19 < 0.5


def test_exception_marks_the_run_failed_and_leaves_the_next_clean(make_run: MakeRun) -> None:
    tracker = WandbTracker()
    for number, mishap in ((1, ZeroDivisionError), (2, KeyboardInterrupt)):
        with pytest.raises(mishap), make_run(number).open(tracker) as run:
            run.row("curve", step=1)
            raise mishap
    with make_run(3).open(tracker) as run:
        run.row("curve", step=2)
    failed, stopped, clean = (logged(make_run(number)) for number in (1, 2, 3))
    assert (failed.exit_code, stopped.exit_code, clean.exit_code) == (1, 1, 0)
    assert (failed.history, clean.history) == ([{"step": 1}], [{"step": 2}])


def test_same_run_twice_is_logged_twice(make_run: MakeRun) -> None:
    for step in (1, 2):
        with make_run(0).open(WandbTracker()) as run:
            run.row("curve", step=step)
    folders = sorted((make_run(0).results_dir / "wandb").glob("offline-run-*"))
    assert sorted(read_run(folder).history[0]["step"] for folder in folders) == [1, 2]


def test_log_says_nothing_of_the_machine(make_run: MakeRun) -> None:
    with make_run(0).open(WandbTracker()) as run:
        run.row("curve", step=1)
    log = logged(make_run(0))
    assert log.host == ""
    assert not {"environment", "stats", "output", "output_raw"} & set(log.kinds)
    assert not list(make_run(0).results_dir.glob("wandb/*/files/*"))
    assert str(Path.cwd()) not in json.dumps(log.config)


def test_unreadable_picture_costs_one_warning(
    make_run: MakeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "figure.png").write_text("not a picture")
    with make_run(0).open(WandbTracker()) as run:
        run.row("curve", step=1)
        run.image("figure", tmp_path / "figure.png")
        run.row("curve", step=2)
        run.summary(steps=2)
    (record,) = (record for record in caplog.records if record.name.startswith("cdfis_bench"))
    assert "goes on without it" in record.getMessage()
    assert logged(make_run(0)).history == [{"step": 1}]


class DeadRun:
    """A run whose service is gone: every call fails, with an error of no known base."""

    name = "dead"
    sync_dir = "results/wandb/dead"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def fail(*args: object, **values: object) -> None:
            self.calls.append(name)
            raise type("MailboxClosedError", (Exception,), {})("Connection lost.")

        return fail


def test_dead_client_costs_one_warning_and_no_run(caplog: pytest.LogCaptureFixture) -> None:
    dead = DeadRun()
    run = WandbRun(dead)  # pyright: ignore[reportArgumentType]
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            run.row("curve", step=step)
        run.summary(steps=3)
        run.close(exit_code=0)
    assert [record.getMessage() for record in caplog.records] == [
        "W&B failed (Connection lost), so run dead goes on without it; "
        "upload what it has with `wandb sync results/wandb/dead`"
    ]
    assert dead.calls == ["define_metric", "finish"]


def test_reader_refuses_a_damaged_log(make_run: MakeRun) -> None:
    with make_run(0).open(WandbTracker()) as run:
        run.row("curve", step=1)
    logged(make_run(0))
    (log_file,) = (make_run(0).results_dir / "wandb").glob("*/*.wandb")
    data = bytearray(log_file.read_bytes())
    data[200] ^= 1
    log_file.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        read_run(log_file.parent, patience_seconds=0)


def test_a_report_names_its_runs_and_shows_figure_and_table(
    make_run: MakeRun, tmp_path: Path
) -> None:
    runs = [make_run(0), make_run(1)]
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / "figure.png")
    records, results = [some.record for some in runs], runs[0].results_dir
    with WandbTracker().open_report("e" * 200, records, results) as report:
        report.image("figure", tmp_path / "figure.png")
        report.table("summary", [{"label": "loss_cdf", "minus_uniform": math.nan, "seeds": 2}])
        report.summary(runs=2, missing=0)
    (folder,) = (results / "wandb").glob("offline-run-*-report-*")
    log = read_run(folder)
    assert (log.job_type, log.group, log.exit_code) == ("report", "e" * 128, 0)
    assert log.tags == ["e" * 64, "two_circles", "loss_cdf"]
    assert log.config["runs"] == [record.id for record in records]
    assert log.config["groups"] == [runs[0].group]
    assert log.history[0]["figure/width"] == 40
    table = log.history[1]["summary/path"]
    assert json.loads((folder / "files" / table).read_text())["data"] == [["loss_cdf", None, 2]]
    assert log.summary["missing"] == 0
