"""Peak memory of one piece of work, in a process of its own.

    python -m benchmark.memory WHAT DATA K CHUNK     (in scripts/; prints bytes)

The allocator must give back what it frees at once, or the peak would be that of what came before:
the caller sets MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ before the process starts.
"""

import subprocess
import sys
from pathlib import Path

from benchmark.child import started


def peak_bytes(what: str, data: str, k: int, chunk: int) -> int:
    """What `what` ("exact norms" or "forward+backward") adds to a process's memory, at its peak."""
    process = started(
        "memory",
        what,
        data,
        k,
        chunk,
        MALLOC_MMAP_THRESHOLD_="65536",
        MALLOC_TRIM_THRESHOLD_="0",
        OMP_NUM_THREADS="1",
    )
    result = subprocess.run(**process, capture_output=True, text=True, check=True)
    return int(result.stdout)


def _measure(what: str, data: str, k: int, chunk: int) -> int:
    import torch
    from torch.nn.functional import cross_entropy

    from benchmark.ours import large_batch
    from benchmark.setups import Setting, training

    torch.set_num_threads(1)
    setup = training(Setting(data, k, min(k, 32)), "metric=grad_norm", f"chunk_size={chunk}")
    batch, model = large_batch(setup), setup.model
    method = setup.make_method()

    def work(x: torch.Tensor, y: torch.Tensor) -> None:
        if what == "exact norms":
            method.score(model, type(batch)(x, y, batch.index[: len(y)]))
        else:
            cross_entropy(model(x), y).backward()
            model.zero_grad(set_to_none=True)

    work(batch.x[:2], batch.y[:2])  # what is set up once is not counted
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = _status("VmRSS")
    work(batch.x, batch.y)
    return _status("VmHWM") - before


def _status(key: str) -> int:
    """Of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return 1024 * int(line.split()[1])
    raise KeyError(key)


if __name__ == "__main__":
    print(_measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
