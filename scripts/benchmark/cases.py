"""The cases: each returns rows of the table. Each runs in a process of its own."""

import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmark import authors, floor, ours, seeds
from benchmark.aggregation import seconds_to_draw
from benchmark.exactness import assert_exact_norms, assert_same_layout, assert_same_norms
from benchmark.libraries import library_norms
from benchmark.memory import peak_bytes
from benchmark.processes import processes_over_threads
from benchmark.rows import Row
from benchmark.setups import DATA, Setting, training
from benchmark.targets import REMEMBERING
from benchmark.timing import Ratio, Work, compare
from cdfis_bench.backends.allocator import keep_freed_memory

ARMS = [
    (metric, selector)
    for metric in ("grad_norm", "grad_norm_last", "grad_norm_bound", "loss")
    for selector in ("topk", "cdf")
]
PLAIN = "backend=plain"  # the other side of a comparison gets nothing of ours
BUSY = "processes"  # the one case that loads all cores
SMALL_PCAM = Setting("pcam", 256, 32)
# Samples at once, for the libraries: as many as are fastest without filling the memory.
LIBRARY_CHUNK = {"two_circles": 1024, "mnist": 128, "pcam": 32}


class Timed:
    """How often to time, and what A against A gave in this process."""

    def __init__(self, rounds: int, quick: bool) -> None:
        self.rounds, self.quick = rounds, quick
        self.against_itself: Ratio | None = None

    def compare(self, a: Work, b: Work) -> Ratio:
        """Of b over a. The first a is timed against itself before."""
        if self.against_itself is None:
            self.against_itself = compare(a, a, self.rounds)
        return compare(a, b, self.rounds)

    def row(self, what: str, setting: Setting, a: Work, b: Work, note: str = "") -> Row:
        """A row for the ratio b over a."""
        ratio = self.compare(a, b)
        note = f"{note + '; ' if note else ''}{setting}; {1000 * ratio.seconds:.3g} ms"
        return Row(what, setting.data, ratio.median, ratio.low, ratio.high, note)


Case = Callable[[Timed], Iterator[Row]]


def setting_of(data: str, timed: Timed) -> Setting:
    """K = 1024, N = 128 as in the paper; a quarter of both for PCam where time is short."""
    return SMALL_PCAM if timed.quick and data == "pcam" else Setting(data)


def steps(data: str, timed: Timed) -> Iterator[Row]:
    """Our step for each metric and selector, over its floor."""
    setting = setting_of(data, timed)
    if timed.quick:
        arms = ARMS[-1:] if setting.images else [arm for arm in ARMS if arm[1] == "cdf"]
        yield from _steps(setting, arms, timed)
    elif data == "pcam":  # those with a target at full size, the others where they take seconds
        with_target = [("loss", "cdf"), ("grad_norm", "cdf")]
        yield from _steps(setting, with_target, timed)
        yield from _steps(SMALL_PCAM, [arm for arm in ARMS if arm not in with_target], timed)
    else:
        yield from _steps(setting, ARMS, timed)


def _steps(setting: Setting, arms: Sequence[tuple[str, str]], timed: Timed) -> Iterator[Row]:
    plain = training(setting, PLAIN)
    forward, forward_name = floor.bare_forward(plain)
    update, update_name = floor.bare_update(plain)
    least = floor.both(forward, update)
    named = f"floor: {forward_name}, update {update_name}" if setting.images else ""
    for metric, selector in arms:
        setup = training(setting, f"metric={metric}", f"selector={selector}")
        assert_same_layout(ours.large_batch(plain).x, ours.large_batch(setup).x)
        step, what = ours.engine_step(setup), f"step {metric}+{selector}"
        yield timed.row(f"{what} / floor", setting, least, step, named)
        if metric == "grad_norm":
            assert_exact_norms(setup)
            norms = ours.scoring(setup, ours.large_batch(setup))
            yield timed.row(f"{what} / its floor", setting, floor.both(norms, update), step)
    uniform = ours.engine_step(training(setting, "method=uniform"))
    yield timed.row("step uniform / its floor", setting, update, uniform)


def norms(data: str, timed: Timed) -> Iterator[Row]:
    """Scoring against plain forwards, exact norms against scoring and against the libraries."""
    setting = setting_of(data, timed)
    setup = training(setting, "metric=grad_norm")
    batch = ours.large_batch(setup)
    assert_exact_norms(setup)
    exact = ours.scoring(setup, batch)
    plain = training(setting, PLAIN)
    forward, name = floor.bare_forward(plain, losses=True)
    if setting.images:
        eager = floor.eager_nchw_forward(plain, plain.eval_chunk_size)
        loss = training(setting, "metric=loss")
        assert_same_layout(batch.x, ours.large_batch(loss).x)
        what = "scoring / eager NCHW forward"
        yield timed.row(what, setting, eager, ours.scoring(loss, batch))
    yield timed.row("exact norms / best scoring", setting, forward, exact, f"forward: {name}")
    if not (timed.quick and setting.images):
        yield from against_libraries(setting, timed)


def against_libraries(setting: Setting, timed: Timed) -> Iterator[Row]:
    if setting.data == "pcam":
        setting = SMALL_PCAM
    setup = training(setting, "metric=grad_norm")
    batch, model = ours.large_batch(setup), training(setting, PLAIN).model
    exact = ours.scoring(setup, batch)
    expected = exact()
    made, missing = library_norms(model, batch, LIBRARY_CHUNK[setting.data])
    rows = []
    for name, theirs in made.items():
        assert_same_norms(expected, theirs(), name)
        rows.append(timed.row(f"{name} / exact norms", setting, exact, theirs))
    yield from rows
    best = min(rows, key=lambda row: row.value or 0)
    note = f"{best.what.split(' / ')[0]} of {', '.join(made)}"
    if missing:
        note += f"; not installed: {', '.join(missing)}"
    yield Row("best library / exact norms", setting.data, best.value, best.low, best.high, note)


def against_authors(data: str, timed: Timed) -> Iterator[Row]:
    """A loop as the authors wrote theirs, over our step: the same K, N and network."""
    setting = setting_of(data, timed)
    for what, metric, score in (
        ("authors' loop / ours, loss", "loss", authors.loss_scores),
        ("authors' loop / ours, last bias", "grad_norm_bound", authors.last_bias_norms),
        ("loop over all weights / ours", "grad_norm", authors.all_weights_norms),
    ):
        setup = training(setting, f"metric={metric}")
        with TemporaryDirectory() as folder:
            theirs = authors.authors_step(training(setting, PLAIN), score, Path(folder))
            yield timed.row(what, setting, ours.engine_step(setup), theirs)


def ten_seeds(timed: Timed) -> Iterator[Row]:
    """Two Circles: a step of ten seeds one by one, over one of all ten at once; as counted."""
    setting = Setting("two_circles")
    for arm in ("loss_cdf",) if timed.quick else ("loss_cdf", "uniform", "grad_norm_cdf"):
        at_once, one_by_one = seeds.at_once(setting, arm), seeds.one_by_one(setting, arm)
        what = "ten seeds one by one / at once"
        yield timed.row(
            what if arm == "loss_cdf" else f"{what}, {arm}", setting, at_once, one_by_one
        )


def scaling(data: str, timed: Timed) -> Iterator[Row]:
    """Our step (loss, CDF) at other K and N, over that at K = 1024, N = 128."""
    usual = ours.engine_step(training(Setting(data)))
    most = 16_384 if data == "two_circles" else 4_096
    sizes = [Setting(data, k=k) for k in (128, 512, 2_048, 4_096, 16_384) if k <= most]
    sizes += [Setting(data, n=n) for n in (16, 32, 512, 1_024)]
    for setting in sizes:
        step = ours.engine_step(training(setting))
        what = f"step at {setting} / at K=1024, N=128"
        yield timed.row(what, setting, usual, step)


def dataset_size(timed: Timed) -> Iterator[Row]:
    """Two Circles with 100,000 and with 10,000,000 training points."""
    setting = Setting("two_circles")
    small, large = (
        ours.engine_step(training(setting, f"dataset.train_size={size}"))
        for size in (100_000, 10_000_000)
    )
    yield timed.row("step at 10^7 rows / at 10^5", setting, small, large)


def million_rows(timed: Timed) -> Iterator[Row]:
    """Steps of methods with a per-sample memory over uniform ones, with 1,000,000 points.

    Timed by the quarter of an epoch, so that occasional work for all samples counts.
    """
    setting, size = Setting("two_circles"), "dataset.train_size=1000000"
    many = 1_000_000 // (4 * setting.n)
    uniform = _repeated(ours.engine_step(training(setting, "method=uniform", size)), many)
    for method in REMEMBERING:
        # From the first step: a million points take 7,800 steps to be seen once.
        setup = training(setting, f"method={method}", "threshold=always", size)
        step = _repeated(ours.engine_step(setup), many)
        yield timed.row(f"step {method} / uniform, 10^6 rows", setting, uniform, step)


def _repeated(work: Work, times: int) -> Work:
    def all_of_them() -> None:
        for _ in range(times):
            work()

    return all_of_them


def memory(timed: Timed) -> Iterator[Row]:
    """Chunked exact norms against a plain forward and backward pass of the same samples."""
    for data, chunk in (("pcam", 16), ("mnist", 64)):
        k = 256 if data == "pcam" else 1024
        plain, exact = (
            peak_bytes(what, data, k, chunk) for what in ("forward+backward", "exact norms")
        )
        note = f"K={k}, chunk_size={chunk}; {exact / 2**20:.0f} of {plain / 2**20:.0f} MiB"
        yield Row("peak memory, exact norms / forward+backward", data, exact / plain, note=note)


def processes(timed: Timed) -> Iterator[Row]:
    """All cores as processes of one thread, over all as threads of one process: steps a second."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for data in DATA:
        setting = SMALL_PCAM if data == "pcam" else Setting(data)
        ratios = [
            processes_over_threads(data, setting.k, setting.n, cores or 1)
            for _ in range(timed.rounds)
        ]
        spread = (statistics.median(ratios), min(ratios), max(ratios))
        yield Row("processes / threads", data, *spread, f"{cores} cores; {setting}")


def aggregation(timed: Timed) -> Iterator[Row]:
    what = "seconds to read, aggregate, draw"
    yield Row(what, "1,000 runs x 400 rows", seconds_to_draw(1_000, 400))


def _by_data(name: str, case: Callable[[str, Timed], Iterator[Row]]) -> dict[str, Case]:
    return {f"{name}:{data}": lambda timed, data=data: case(data, timed) for data in DATA}


CASES: dict[str, Case] = {
    **_by_data("steps", steps),
    **_by_data("norms", norms),
    **_by_data("authors", against_authors),
    "scaling:two_circles": lambda timed: scaling("two_circles", timed),
    "scaling:mnist": lambda timed: scaling("mnist", timed),
    "dataset_size": dataset_size,
    "million_rows": million_rows,
    "ten_seeds": ten_seeds,
    "memory": memory,
    "aggregation": aggregation,
    BUSY: processes,
}
QUICK = (
    "steps:two_circles",
    "steps:mnist",
    "steps:pcam",
    "norms:two_circles",
    "norms:pcam",
    "authors:two_circles",
    "ten_seeds",
)


def run_case(name: str, rounds: int, quick: bool, found: Callable[[Row], None]) -> float | None:
    """Hands over the rows of a case as they are measured.

    Returns A against A; None where nothing is compared.
    """
    torch.set_num_threads(1)
    keep_freed_memory()  # as a run does
    timed = Timed(rounds, quick)
    for row in CASES[name](timed):
        found(row)
    same = timed.against_itself
    return None if same is None else same.median
