"""Whether the cores of a machine do more as processes of one thread each or as threads of one.

python -m benchmark.processes DATA K N THREADS SECONDS     (in scripts/; prints steps per second)
"""

import subprocess
import sys
import time

from benchmark.child import started

SECONDS = 3.0  # of one timing


def processes_over_threads(data: str, k: int, n: int, cores: int) -> float:
    """Steps per second of `cores` processes with one thread, over those of one with `cores`."""
    return _rate(data, k, n, [1] * cores) / _rate(data, k, n, [cores])


def _rate(data: str, k: int, n: int, threads: list[int]) -> float:
    """Steps per second of all processes together, one for each entry, at the same time."""
    workers = [
        subprocess.Popen(
            **started("processes", data, k, n, t, OMP_NUM_THREADS=str(t)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for t in threads
    ]
    for worker in workers:  # all are warm before any begins
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return sum(float(worker.communicate()[0]) for worker in workers)


def _work(data: str, k: int, n: int, threads: int) -> None:
    import torch

    from benchmark.ours import engine_step
    from benchmark.setups import Setting, training
    from cdfis_bench.backends.allocator import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()
    step = engine_step(training(Setting(data, k, n)))
    for _ in range(3):
        step()
    print("ready", flush=True)
    sys.stdin.readline()
    began, steps = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < SECONDS:
        step()
        steps += 1
    print(steps / took)


if __name__ == "__main__":
    _work(sys.argv[1], *(int(value) for value in sys.argv[2:]))
