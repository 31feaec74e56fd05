"""hydra/launcher=pool: runs the jobs of a sweep in parallel, each in a process of its own.

Hydra finds launchers in the namespace `hydra_plugins` only, and imports this file for `--help`,
too. joblib, which provides the processes, is therefore imported when a sweep starts.
"""

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

# One thread per process, unless device.threads says otherwise. Set before torch is imported there.
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


class PoolLauncher(Launcher):
    """Runs the jobs of hydra-joblib-launcher with a separate pool for each worker.

    In that launcher's own pool, a worker that dies takes the other workers and the rest of the
    sweep with it (TerminatedWorkerError). Here only its run is lost, and a new worker takes over.
    Jobs are also reported to the callbacks of this process: Hydra calls on_job_end in the workers
    only, and the progress bar of the sweep would not move.
    """

    def __init__(self, n_jobs: int) -> None:
        self._n_jobs = n_jobs

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra before `launch`."""
        self._context, self._task, self._config = hydra_context, task_function, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Runs the jobs and returns what became of each, in order."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        setup_globals()
        waiting = deque(enumerate(map(list, job_overrides), initial_job_idx))
        idle: list[Any] = [None] * min(
            self._n_jobs, len(waiting)
        )  # None: a worker that is not started yet
        running: dict[Future[JobReturn], tuple[Any, int, list[str]]] = {}
        returns: dict[int, JobReturn] = {}
        finished = False
        try:
            while waiting or running:
                while waiting and idle:
                    worker = idle.pop() or _new_worker()
                    job = waiting.popleft()
                    running[self._submit(worker, *job)] = (worker, *job)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    worker, number, overrides = running.pop(future)
                    try:
                        returns[number] = future.result()
                    except BrokenProcessPool:
                        worker, returns[number] = None, self._lost(number, overrides)
                    idle.append(worker)
                    self._context.callbacks.on_job_end(
                        config=self._config, job_return=returns[number]
                    )
            finished = True
        finally:
            for worker in (*idle, *(worker for worker, *_ in running.values())):
                if worker is not None:
                    worker.shutdown(kill_workers=not finished)
        return [returns[number] for number in sorted(returns)]

    def _submit(self, worker: Any, number: int, overrides: list[str]) -> Future[JobReturn]:
        state = Singleton.get_state()
        with _interrupts_for_this_process_only():
            return worker.submit(
                _execute, number, overrides, self._context, self._config, self._task, state
            )

    def _lost(self, number: int, overrides: list[str]) -> JobReturn:
        """Notes that the job's process died. The sweep goes on and reports the missing run."""
        from cdfis_bench.records.experiment import Job, note_job

        message = "its process was killed (out of memory?); repeat the command"
        job = Job(number, overrides, "failed", error=message)
        note_job(Path(self._config.results_dir), str(self._config.name), job)
        # With any status but COMPLETED, Hydra would end the sweep before its figure is drawn.
        return JobReturn(
            overrides=overrides, status=JobStatus.COMPLETED, _return_value={"error": message}
        )


def _execute(number: int, overrides: list[str], *more: Any) -> JobReturn:
    """One job, in a worker."""
    from hydra_plugins.hydra_joblib_launcher._core import execute_job

    from cdfis_bench.runner.output import keep_output

    keep_output()
    return execute_job(number, overrides, *more)


@contextmanager
def _interrupts_for_this_process_only() -> Iterator[None]:
    """Workers that are started within do not get SIGINT.

    Ctrl-C reaches every process of a terminal; each worker would print its own traceback. This
    process gets the interrupt when the context ends, and stops the workers.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _new_worker() -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    # With a timeout an idle worker exits by itself, even if this process is killed.
    return ProcessPoolExecutor(max_workers=1, env=ONE_THREAD, timeout=10)
