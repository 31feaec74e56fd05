"""Keeps tests away from the account, the settings and the caches of whoever runs them."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cdfis_bench.records.run_record import RunRecord
from tests.trackers.some_run import SomeRun


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home without netrc, and none of the variables that wandb reads. Returns the home."""
    for name in [
        name for name in os.environ if name.startswith("WANDB_") and name != "WANDB_SERVICE"
    ]:
        monkeypatch.delenv(name)
    for name in (
        "NETRC",
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    return home


@pytest.fixture
def fresh_wandb(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The monkeypatch to set wandb's variables with, which wandb otherwise reads once a process."""
    _forget()
    yield monkeypatch
    _forget()


def _forget() -> None:
    if "wandb" in sys.modules:
        import wandb

        wandb.teardown()


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[[int], SomeRun]:
    """Different runs in one results folder, which does not exist yet."""

    def make(number: int) -> SomeRun:
        config = {
            "dataset": {"name": "two_circles"},
            "batch_size": 128,
            "selector": {"name": "cdf", "form": "mass"},
            "budget": {"steps": None},
        }
        record = RunRecord(
            id=f"a1b2c3-s{number}", arm="a1b2c3", seed=number, method="loss_cdf", config=config
        )
        return SomeRun(record, f"two_circles-loss_cdf-s{number}-a1b2c3", tmp_path / "results")

    return make
