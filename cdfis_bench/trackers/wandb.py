"""Runs mirrored to Weights & Biases. The only file that imports wandb, once a run needs it.

The files of a run stay the source of truth: whatever goes wrong with W&B after `check` costs a
warning, never a run.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from torch import Tensor

from cdfis_bench.core.errors import UserError, require, require_choice
from cdfis_bench.core.tracking import RunCard, TrackerRun
from cdfis_bench.trackers.none import NoTracker

if TYPE_CHECKING:
    from wandb import Run, Settings

MODES = ("offline", "online", "disabled")
STEP_AXIS = "step"
MIRROR_AXES = {"by_seconds": "train_seconds", "by_samples": "samples_trained"}
MIRRORED_COLUMNS = ("train_loss", "test_loss", "test_accuracy")

# Together under ten seconds: a server that is away must not hold up a sweep.
PROBE_SECONDS = 3.0
INIT_SECONDS = 6.0
# Uploads that are not through by then stay on disk, where `wandb sync` finds them.
FINISH_SECONDS = 60.0

_log = logging.getLogger(__name__)


class WandbTracker:
    """One W&B run per run: offline below `<results_dir>/wandb`, online, or not at all.

    mode: offline needs no account and no network; online falls back to offline where the server is
    away or refuses; disabled never imports wandb. entity: the W&B user or team; None for the
    account's own. Raises UserError for an unknown mode or a project name that W&B would refuse.
    """

    def __init__(
        self, mode: str = "offline", project: str = "cdfis_bench", entity: str | None = None
    ) -> None:
        self._mode = require_choice("wandb.mode", mode, MODES)
        require(
            0 < len(project) <= 128 and not set(project) & set("/\\#?%:"),
            f"wandb.project={project!r} must have 1 to 128 characters, none of them / \\ # ? % :",
        )
        self._project = project
        self._entity = entity

    def check(self) -> None:
        """Raises UserError if wandb is not installed, or online has no usable API key.

        Keys are looked for where wandb looks: WANDB_API_KEY, netrc, settings. This neither asks at
        the terminal nor connects to the server.
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
    def open(self, card: RunCard) -> Iterator[TrackerRun]:
        """The W&B run of `card`, finished when the context ends; exit code 1 if by an exception."""
        if self._mode == "disabled":
            yield NoTracker()
            return
        run = WandbRun(self._start(card))
        try:
            yield run
        except BaseException:
            run.close(exit_code=1)
            raise
        run.close(exit_code=0)

    def _start(self, card: RunCard) -> "Run | None":
        why_offline = None
        try:
            if self._mode == "online":
                why_offline = _why_unreachable()
                if why_offline is None:
                    try:
                        return self._init(card, "online")
                    except Exception as error:  # as in WandbRun._send
                        why_offline = f"did not take the run ({_reason(error)})"
                        _forget_failed_start()
            run = self._init(card, "offline")
        except Exception as error:  # as in WandbRun._send
            _log.warning(
                "W&B did not start (%s), so run %s goes on without it", _reason(error), card.name
            )
            return None
        if why_offline is not None:
            _log.warning(
                "W&B %s, so run %s is logged offline in %s; upload it later with `wandb sync %s`",
                *(why_offline, card.name, run.sync_dir, run.sync_dir),
            )
        return run

    def _init(self, card: RunCard, mode: Literal["online", "offline"]) -> "Run":
        _prepare(mode)
        import wandb

        tags = [tag for tag in (card.dataset, card.method, card.experiment) if tag]
        return wandb.init(
            project=self._project,
            entity=self._entity,
            dir=card.results_dir.absolute(),
            id=card.id,
            name=card.name,
            group=card.arm,
            job_type="run",
            tags=list(dict.fromkeys(tag[:64] for tag in tags)),  # wandb refuses longer ones
            config={**card.config, "seed": card.seed},
            mode=mode,
            reinit="finish_previous",
            resume="allow" if mode == "online" else None,
            settings=_quiet_settings(),
        )


class WandbRun:
    """An open W&B run, or none: after the first error of the client nothing more is sent.

    Rows of table "curve" keep their column names, with x axis `step`; the losses and the accuracy
    are sent once more as `by_seconds/...` and `by_samples/...`, because a W&B metric has one x
    axis. Rows of other tables become `<table>/<column>`. Nulls are left out. Arrays are not
    mirrored: they are in the run folder's arrays.h5.
    """

    def __init__(self, run: "Run | None") -> None:
        self._run = run
        self._defined: set[str] = set()
        self._final: dict[str, float | int | str | bool | None] = {}

    def row(self, table: str, **values: float | int | bool | None) -> None:
        columns = {name: value for name, value in values.items() if value is not None}
        points, axes = _curve_points(columns) if table == "curve" else _table_points(table, columns)

        def send(run: "Run") -> None:
            for name in points:
                if name not in self._defined:
                    # The copies on other axes would only repeat the summary of the originals.
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

            data = [list(row.values()) for row in rows]
            run.log({name: wandb.Table(columns=list(rows[0]), data=data)})

        if rows:
            self._send(send)

    def summary(self, **values: float | int | str | bool | list[float] | None) -> None:
        # wandb would write a NaN of the summary as null; this is how its server writes one.
        given = {name: "NaN" if value != value else value for name, value in values.items()}
        self._final.update(given)
        self._send(lambda run: run.summary.update(given))

    def close(self, exit_code: int) -> None:
        """Ends the run. The given summary wins over the last rows of the same names."""
        self._send(lambda run: run.summary.update(self._final))
        self._send(lambda run: run.finish(exit_code=exit_code))

    def _send(self, call: Callable[["Run"], object]) -> None:
        if self._run is None:
            return
        try:
            call(self._run)
        # The client's errors have no common base (those of its service are plain Exceptions), and
        # `call` holds nothing but its calls: a mirror that breaks must not end the training.
        except Exception as error:
            broken, self._run = self._run, None
            _log.warning(
                "W&B failed (%s), so run %s goes on without it; upload what it has with"
                " `wandb sync %s`",
                *(_reason(error), broken.name, broken.sync_dir),
            )
            # Left open, it would be finished, and fail again, when the next run starts.
            with suppress(Exception):
                broken.finish(exit_code=1)


def _curve_points(columns: Mapping[str, float]) -> tuple[dict[str, float], dict[str, str]]:
    """A row of the curve as W&B gets it, and the x axis of each of its names that has one."""
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
    """A row of another table; its own column `step`, if it has one, is its x axis."""
    points = {f"{table}/{name}": value for name, value in columns.items()}
    axis = f"{table}/{STEP_AXIS}"
    return points, {name: axis for name in points if axis in points and name != axis}


def _prepare(mode: Literal["online", "offline"]) -> None:
    """Sets wandb up for this process: silent, and in `mode` whatever the environment says."""
    # wandb reports its own errors to its makers, from offline runs too, unless its service is
    # started with this.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    wandb.setup(wandb.Settings(mode=mode, silent=True))


def _forget_failed_start() -> None:
    """Ends wandb's service, which would refuse the id of a run that failed to start as in use."""
    import wandb

    with suppress(SystemExit):  # raised where the service does not end well
        wandb.teardown()


def _quiet_settings() -> "Settings":
    """Prints nothing, collects nothing about machine, code and packages, waits within bounds."""
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

    # Without prompt=False it asks at a terminal; verifying needs the server, which may be away.
    return wandb.login(prompt=False, verify=False)


def _why_unreachable() -> str | None:
    """Why runs cannot go online now, within PROBE_SECONDS; None if the server takes connections.

    Behind a proxy it is the proxy that must take them.
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

    # In a thread, because the look-up of a name has no timeout of its own.
    probe = Thread(target=connect, daemon=True)
    probe.start()
    probe.join(PROBE_SECONDS)
    why = outcome[-1]
    return why and f"could not be reached at {address[0]}:{address[1]} ({why})"


def _reason(error: Exception) -> str:
    """The first line of an error, without its full stop, for use inside a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
