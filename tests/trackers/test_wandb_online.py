"""Online runs: without a key, without a server, with one that refuses, and with one that works."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.trackers import wandb as tracker_file
from cdfis_bench.trackers.wandb import WandbTracker
from tests.trackers.some_run import SomeRun

from .offline_log import LoggedRun, read_run
from .stub_server import stub_server

DUMMY_KEY = "0123456789" * 4
ROOT = Path(__file__).parents[2]


@contextmanager
def port(listening: bool) -> Iterator[str]:
    """The address of a port that is closed, or that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        if listening:
            server.listen(16)
            yield address
    if not listening:
        yield address


def log_one_run(some_run: SomeRun) -> float:
    """Five rows and a summary through an online tracker. Returns the seconds it took."""
    start = time.perf_counter()
    tracker = WandbTracker("online", "some_project")
    tracker.check()
    with some_run.open(tracker) as run:
        for step in range(5):
            run.row("curve", step=step, train_seconds=step / 2, test_accuracy=step / 8)
        run.summary(test_accuracy=0.5)
    return time.perf_counter() - start


def the_log(some_run: SomeRun, kind: str) -> LoggedRun:
    (folder,) = (some_run.results_dir / "wandb").glob(f"{kind}run-*-{some_run.record.id}")
    return read_run(folder)


def assert_complete(log: LoggedRun) -> None:
    assert [row["step"] for row in log.history] == [0, 1, 2, 3, 4]
    assert log.summary["test_accuracy"] == 0.5
    assert log.exit_code == 0


def one_sentence(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = (record for record in caplog.records if record.name == tracker_file.__name__)
    message = record.getMessage()
    assert record.levelname == "WARNING"
    assert "\n" not in message
    return message


def test_rows_arrive_at_a_server(
    fresh_wandb: pytest.MonkeyPatch,
    make_run: Callable[[int], SomeRun],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with stub_server() as arrived:
        fresh_wandb.setenv("WANDB_BASE_URL", arrived.url)
        fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
        log_one_run(make_run(7))
    created = arrived.created[0]
    some_run = make_run(7)
    assert (created["name"], created["displayName"], created["groupName"]) == (
        some_run.record.id,
        some_run.name,
        some_run.group,
    )
    assert (created["project"], created["jobType"]) == ("some_project", "run")
    assert created["tags"] == ["two_circles", "loss_cdf", "fig3_two_circles"]
    assert '"seed":{"value":7}' in created["config"]
    assert not created["host"]
    assert [row["by_seconds/test_accuracy"] for row in arrived.history] == [
        step / 8 for step in range(5)
    ]
    assert arrived.exit_code == 0
    assert_complete(the_log(some_run, ""))
    assert capfd.readouterr() == ("", "")


def test_offline_run_contacts_no_server(
    fresh_wandb: pytest.MonkeyPatch, make_run: Callable[[int], SomeRun]
) -> None:
    fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
    fresh_wandb.setenv("WANDB_MODE", "online")
    with stub_server() as arrived:
        fresh_wandb.setenv("WANDB_BASE_URL", arrived.url)
        with make_run(0).open(WandbTracker("offline")) as run:
            run.row("curve", step=1)
    assert the_log(make_run(0), "offline-").history == [{"step": 1}]
    assert arrived.paths == []


def test_closed_port_means_offline_with_nothing_lost(
    fresh_wandb: pytest.MonkeyPatch,
    make_run: Callable[[int], SomeRun],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with port(listening=False) as address:
        fresh_wandb.setenv("WANDB_BASE_URL", address)
        fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
        assert log_one_run(make_run(0)) < 10
    message = one_sentence(caplog)
    (folder,) = (make_run(0).results_dir / "wandb").iterdir()
    assert "could not be reached at 127.0.0.1:" in message
    assert f"logged offline in {folder}; upload it later with `wandb sync {folder}`" in message
    assert_complete(the_log(make_run(0), "offline-"))


def test_silent_server_means_offline_with_nothing_lost(
    fresh_wandb: pytest.MonkeyPatch,
    make_run: Callable[[int], SomeRun],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fresh_wandb.setattr(tracker_file, "INIT_SECONDS", 0.5)
    with port(listening=True) as address:
        fresh_wandb.setenv("WANDB_BASE_URL", address)
        fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
        assert log_one_run(make_run(0)) < 8
    assert "logged offline" in one_sentence(caplog)
    assert_complete(the_log(make_run(0), "offline-"))


def test_refused_key_means_offline_with_nothing_lost(
    fresh_wandb: pytest.MonkeyPatch,
    make_run: Callable[[int], SomeRun],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with stub_server(status=401) as arrived:
        fresh_wandb.setenv("WANDB_BASE_URL", arrived.url)
        fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
        assert log_one_run(make_run(0)) < 10
    message = one_sentence(caplog)
    assert "401" in message
    assert "logged offline" in message
    assert_complete(the_log(make_run(0), "offline-"))


def test_server_that_goes_away_costs_no_row(
    fresh_wandb: pytest.MonkeyPatch,
    make_run: Callable[[int], SomeRun],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fresh_wandb.setattr(tracker_file, "FINISH_SECONDS", 0.5)
    fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
    with stub_server() as arrived:
        fresh_wandb.setenv("WANDB_BASE_URL", arrived.url)
        tracker = WandbTracker("online", "some_project")
        mirror = make_run(0).open(tracker)
        run = mirror.__enter__()
    for step in range(5):
        run.row("curve", step=step)
    run.summary(test_accuracy=0.5)
    mirror.__exit__(None, None, None)
    assert "wandb sync" in one_sentence(caplog)
    assert_complete(the_log(make_run(0), ""))


def test_proxy_is_probed_in_place_of_the_server(fresh_wandb: pytest.MonkeyPatch) -> None:
    fresh_wandb.setenv("WANDB_BASE_URL", "http://wandb.invalid")
    fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
    with port(listening=False) as proxy, port(listening=True) as open_proxy:
        fresh_wandb.setenv("http_proxy", proxy)
        assert proxy.removeprefix("http://") in (tracker_file._why_unreachable() or "")
        fresh_wandb.setenv("http_proxy", open_proxy)
        assert tracker_file._why_unreachable() is None


@pytest.mark.parametrize("source", ["variable", "netrc"])
def test_key_is_found_without_a_server(
    fresh_wandb: pytest.MonkeyPatch, no_account: Path, source: str
) -> None:
    with port(listening=False) as address:
        fresh_wandb.setenv("WANDB_BASE_URL", address)
        if source == "variable":
            fresh_wandb.setenv("WANDB_API_KEY", DUMMY_KEY)
        else:
            netrc = no_account / ".netrc"
            netrc.write_text(
                f"machine {address.removeprefix('http://')} login user password {DUMMY_KEY}\n"
            )
            netrc.chmod(0o600)
        WandbTracker("online").check()


def test_malformed_key_is_refused_at_once(fresh_wandb: pytest.MonkeyPatch) -> None:
    fresh_wandb.setenv("WANDB_API_KEY", "short")
    with pytest.raises(UserError, match="wandb login") as refused:
        WandbTracker("online").check()
    assert "\n" not in str(refused.value)


def test_missing_key_is_refused_without_a_prompt(no_account: Path) -> None:
    """At a terminal, where wandb would ask: a process with a pseudo-terminal for its streams."""
    pty = pytest.importorskip("pty")
    code = (
        "from cdfis_bench.core.errors import UserError\n"
        "from cdfis_bench.trackers.wandb import WandbTracker\n"
        "try: WandbTracker('online').check()\n"
        "except UserError as error: print('REFUSED', error)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"}
    terminal, stream = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        **{"stdin": stream, "stdout": stream, "stderr": stream, "cwd": ROOT, "env": environment},
        start_new_session=True,
    )
    os.close(stream)
    try:
        assert process.wait(timeout=30) == 0
        printed = (
            os.read(terminal, 10_000).decode() if select.select([terminal], [], [], 1)[0] else ""
        )
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert printed.splitlines() == [
        "REFUSED wandb.mode=online found no W&B API key; "
        "run `wandb login`, set WANDB_API_KEY, or use wandb.mode=offline"
    ]
