"""tracker=wandb: mirrors runs to Weights & Biases.

This is the only file that imports wandb, and it does so when a run needs it. The files of a run
stay the source of truth: an error of W&B after `check` causes a warning and never ends a run.
"""

import hashlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from torch import Tensor

from cdfis_bench.core.errors import UserError, require, require_choice
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.schema import VALIDATION_COLUMNS
from cdfis_bench.trackers.none import NoTracker
from cdfis_bench.trackers.tracker import TrackedRun

if TYPE_CHECKING:
    from wandb import Run, Settings

MODES = ("offline", "online", "disabled")
STEP_AXIS = "step"
MIRROR_AXES = {"by_seconds": "train_seconds", "by_samples": "samples_trained"}
MIRRORED_COLUMNS = ("train_loss", "test_loss", "test_accuracy", *VALIDATION_COLUMNS)

# Together under ten seconds, so that an unreachable server does not hold up a sweep.
PROBE_SECONDS = 3.0
INIT_SECONDS = 6.0
# Uploads that take longer stay on disk, where `wandb sync` finds them.
FINISH_SECONDS = 60.0

_log = logging.getLogger(__name__)


class WandbTracker:
    """One W&B run per run: offline in `<results_dir>/wandb`, online, or disabled."""

    def __init__(
        self, mode: str = "offline", project: str = "cdfis_bench", entity: str | None = None
    ) -> None:
        """Checks the settings.

        Args:
            mode: "offline" needs no account and no network; "online" falls back to offline if the
                server cannot be reached or refuses the run; "disabled" never imports wandb.
            project: W&B project.
            entity: W&B user or team; None for the account's default.

        Raises:
            UserError: For an unknown mode, or a project name that W&B would refuse.
        """
        self._mode = require_choice("wandb.mode", mode, MODES)
        require(
            0 < len(project) <= 128 and not set(project) & set("/\\#?%:"),
            f"wandb.project={project!r} must have 1 to 128 characters, none of them / \\ # ? % :",
        )
        self._project = project
        self._entity = entity

    def check(self) -> None:
        """Checks that wandb is installed, and for mode=online that it finds a usable API key.

        The key is looked up where wandb does: WANDB_API_KEY, netrc, settings. This neither prompts
        nor connects to the server.

        Raises:
            UserError: If one of them is missing.
        """
        if self._mode == "disabled":
            return
        try:
            import wandb
        except ImportError as error:
            raise UserError("wandb is not installed; install it, or use tracker=none") from error
        if self._mode == "online":
            remedy = "run `wandb login`, set WANDB_API_KEY, or use wandb.mode=offline"
            try:
                require(_key_found(), f"wandb.mode=online found no W&B API key; {remedy}")
            except wandb.Error as error:
                what = f"wandb.mode=online cannot use its API key ({_reason(error)})"
                raise UserError(f"{what}; {remedy}") from error

    @contextmanager
    def open(
        self, record: RunRecord, *, name: str, results_dir: Path, experiment: str | None
    ) -> Iterator[TrackedRun]:
        """Opens the W&B run of `record`; it ends with exit code 1 if the context raises."""
        with self._open(lambda: _arguments(record, name, results_dir, experiment)) as run:
            yield run

    @contextmanager
    def open_report(
        self, experiment: str, records: Sequence[RunRecord], results_dir: Path
    ) -> Iterator[TrackedRun]:
        """Opens a W&B run of job type "report"; drawing the same runs again continues it online.

        Runs that were stored before keep the tags that they were computed with. The report names
        them, with their groups, in its configuration.
        """
        with self._open(lambda: _report_arguments(experiment, records, results_dir)) as run:
            yield run

    @contextmanager
    def _open(self, arguments: Callable[[], dict[str, Any]]) -> Iterator[TrackedRun]:
        if self._mode == "disabled":
            yield NoTracker()
            return
        run = WandbRun(self._start(arguments()))
        try:
            yield run
        except BaseException:
            run.close(exit_code=1)
            raise
        run.close(exit_code=0)

    def _start(self, arguments: dict[str, Any]) -> "Run | None":
        """The run, online or offline; None if wandb cannot start at all."""
        name, why_offline = arguments["name"], None
        try:
            if self._mode == "online":
                why_offline = _why_unreachable()
                if why_offline is None:
                    try:
                        return self._init(arguments, "online")
                    except Exception as error:  # as in WandbRun._send
                        why_offline = f"did not take the run ({_reason(error)})"
                        _forget_failed_start()
            run = self._init(arguments, "offline")
        except Exception as error:  # as in WandbRun._send
            _log.warning(
                "W&B did not start (%s), so run %s goes on without it", _reason(error), name
            )
            return None
        if why_offline is not None:
            _log.warning(
                "W&B %s, so run %s is logged offline in %s; upload it later with `wandb sync %s`",
                *(why_offline, name, run.sync_dir, run.sync_dir),
            )
        return run

    def _init(self, arguments: dict[str, Any], mode: Literal["online", "offline"]) -> "Run":
        _prepare(mode)
        import wandb

        return wandb.init(
            project=self._project,
            entity=self._entity,
            mode=mode,
            reinit="finish_previous",
            resume="allow" if mode == "online" else None,
            settings=_quiet_settings(),
            **arguments,
        )


def _arguments(
    record: RunRecord, name: str, results_dir: Path, experiment: str | None
) -> dict[str, Any]:
    """The arguments of wandb.init that describe the run."""
    dataset = record.config["dataset"]["name"]
    tags = [tag for tag in (dataset, record.method, experiment) if tag]
    return {
        "dir": results_dir.absolute(),
        "id": record.id,
        "name": name,
        "job_type": "run",
        "group": _group(record),
        "tags": _tags(tags),
        "config": {**record.config, "seed": record.seed},
    }


def _report_arguments(
    experiment: str, records: Sequence[RunRecord], results_dir: Path
) -> dict[str, Any]:
    """The arguments of wandb.init that describe the report of an experiment."""
    ids = sorted(record.id for record in records)
    digest = hashlib.sha256("\n".join([experiment, *ids]).encode()).hexdigest()[:10]
    datasets = [record.config["dataset"]["name"] for record in records]
    return {
        "dir": results_dir.absolute(),
        "id": f"report-{digest}",
        "name": f"{experiment}, report"[:128],  # wandb refuses longer ones
        "job_type": "report",
        "group": experiment[:128],
        "tags": _tags([experiment, *datasets, *(record.method for record in records)]),
        "config": {
            "experiment": experiment,
            "runs": ids,
            "groups": sorted({_group(record) for record in records}),
        },
    }


def _group(record: RunRecord) -> str:
    """The seeds of an arm are a group; wandb refuses longer names."""
    return f"{record.config['dataset']['name']}-{record.method}-{record.arm}"[-128:]


def _tags(tags: Sequence[str]) -> list[str]:
    """Each tag once, none empty and none longer than wandb takes."""
    return list(dict.fromkeys(tag[:64] for tag in tags if tag))


class WandbRun:
    """An open W&B run. After the first error of the client nothing more is sent.

    Rows of the table "curve" keep their column names and have `step` as their x axis. Losses and
    accuracy are also sent as `by_seconds/...` and `by_samples/...`, because a W&B metric has only
    one x axis. Rows of other tables become `<table>/<column>`. Nulls are left out. Arrays are not
    mirrored: they are stored in the run folder's arrays.h5.
    """

    def __init__(self, run: "Run | None") -> None:
        self._run = run
        self._defined: set[str] = set()
        self._final: dict[str, Any] = {}

    def row(self, table: str, **values: float | int | bool | None) -> None:
        columns = {name: value for name, value in values.items() if value is not None}
        points, axes = _curve_points(columns) if table == "curve" else _table_points(table, columns)

        def send(run: "Run") -> None:
            for name in points:
                if name not in self._defined:
                    # Copies on other axes would only repeat the summary of the originals.
                    copied = name.partition("/")[0] in MIRROR_AXES
                    summary = "none" if copied else None
                    run.define_metric(name, step_metric=axes.get(name), summary=summary)
                    self._defined.add(name)
            run.log(points)

        if points:
            self._send(send)

    def array(self, name: str, values: Tensor) -> None: ...

    def image(self, name: str, path: Path) -> None:
        def send(run: "Run") -> None:
            import wandb

            run.log({name: wandb.Image(str(path))})

        self._send(send)

    def table(self, name: str, rows: Sequence[Mapping[str, float | int | str]]) -> None:
        def send(run: "Run") -> None:
            import wandb

            data: list[Any] = [[_known(value) for value in row.values()] for row in rows]
            run.log({name: wandb.Table(columns=list(rows[0]), data=data)})

        if rows:
            self._send(send)

    def summary(self, **values: float | int | str | bool | Sequence[float] | None) -> None:
        # wandb would store a NaN as null; its server writes "NaN".
        given: dict[str, Any] = {
            name: "NaN" if value != value else value for name, value in values.items()
        }
        self._final.update(given)
        self._send(lambda run: run.summary.update(given))

    def close(self, exit_code: int) -> None:
        """Ends the run. Summary values replace the last rows of the same names."""
        self._send(lambda run: run.summary.update(self._final))
        self._send(lambda run: run.finish(exit_code=exit_code))

    def _send(self, call: Callable[["Run"], object]) -> None:
        if self._run is None:
            return
        try:
            call(self._run)
        # The client's errors have no common base class (those of its service are plain Exceptions),
        # and `call` contains nothing but calls of the client. They must not end the training.
        except Exception as error:
            broken, self._run = self._run, None
            _log.warning(
                "W&B failed (%s), so run %s goes on without it; upload what it has with"
                " `wandb sync %s`",
                *(_reason(error), broken.name, broken.sync_dir),
            )
            # An open run would be finished, and fail again, when the next run starts.
            with suppress(Exception):
                broken.finish(exit_code=1)


def _known(value: object) -> object:
    """A value of a table's cell: NaN, which JSON has no word for, becomes empty."""
    return None if value != value else value


def _curve_points(columns: Mapping[str, float]) -> tuple[dict[str, float], dict[str, str]]:
    """A row of the curve as it is sent to W&B, and the x axis of each name that has one."""
    points = dict(columns)
    axes = dict.fromkeys(columns.keys() - {STEP_AXIS, *MIRROR_AXES.values()}, STEP_AXIS)
    for prefix, axis in MIRROR_AXES.items():
        for column in MIRRORED_COLUMNS:
            if column in columns and axis in columns:
                points[f"{prefix}/{column}"] = columns[column]
                axes[f"{prefix}/{column}"] = axis
    return points, axes


def _table_points(
    table: str, columns: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, str]]:
    """A row of another table, and its x axes: its column `step`, if it has one."""
    points = {f"{table}/{name}": value for name, value in columns.items()}
    axis = f"{table}/{STEP_AXIS}"
    return points, {name: axis for name in points if axis in points and name != axis}


def _prepare(mode: Literal["online", "offline"]) -> None:
    """Sets wandb up for this process: silent, and in `mode` regardless of the environment."""
    # Unless its service is started with this, wandb reports its errors home, even offline.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    wandb.setup(wandb.Settings(mode=mode, silent=True))


def _forget_failed_start() -> None:
    """Ends wandb's service, which would refuse the id of the failed run as being in use."""
    import wandb

    with suppress(SystemExit):  # raised if the service ends with an error
        wandb.teardown()


def _quiet_settings() -> "Settings":
    """No output, no data about machine, code or packages, and bounded waiting times."""
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        save_code=False,
        label_disable=True,
        host="",
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        symlink=False,  # parallel jobs would fight over `latest-run`
        use_dot_wandb=False,
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=True,
    )


def _key_found() -> bool:
    """Whether wandb finds credentials for its server. Raises wandb.Error if they are malformed."""
    _prepare("online")
    import wandb

    # Without prompt=False it prompts at a terminal; verifying needs the server.
    return wandb.login(prompt=False, verify=False)


def _why_unreachable() -> str | None:
    """Why runs cannot go online now; None if the server, or the proxy, accepts connections.

    Takes at most PROBE_SECONDS.
    """
    if not _key_found():
        return "has no API key any more"  # wandb.init would ask for one
    import wandb

    settings = wandb.setup().settings
    server = urlsplit(settings.base_url)
    proxy = {"http": settings.http_proxy, "https": settings.https_proxy}.get(server.scheme)
    if proxy is None and not proxy_bypass(server.hostname or ""):
        proxy = getproxies().get(server.scheme)
    target = urlsplit(proxy if "//" in proxy else f"//{proxy}") if proxy else server
    address = (target.hostname or "", target.port or (443 if target.scheme == "https" else 80))
    outcome: list[str | None] = [f"no answer within {PROBE_SECONDS:g} s"]

    def connect() -> None:
        try:
            socket.create_connection(address, PROBE_SECONDS).close()
            outcome.append(None)
        except OSError as error:
            outcome.append(_reason(error))

    # In a thread, because a DNS lookup has no timeout of its own.
    probe = Thread(target=connect, daemon=True)
    probe.start()
    probe.join(PROBE_SECONDS)
    why = outcome[-1]
    return why and f"could not be reached at {address[0]}:{address[1]} ({why})"


def _reason(error: Exception) -> str:
    """The first line of an error, without its full stop, for use inside a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
