"""Steps of PCam's size need little memory of their own: patches stay in their mapped file."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from tests.app.command import ROOT, environment
from tests.datasets.made_files import make_pcam

PATCHES = 8_000  # 221 MB
MEASURE = """
import json, sys, threading, time
import torch
from tests.engine.small import Memory, configured
from cdfis_bench.config.build import build
from cdfis_bench.engine.loop import train

def anonymous():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("RssAnon"))

def peak_of(action):
    ended, peak = threading.Event(), [anonymous()]
    def watch():
        while not ended.wait(0.002):
            peak.append(anonymous())
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        return action(), max(peak) - peak[0]
    finally:
        ended.set()
        watching.join()

torch.set_num_threads(1)
config = configured(
    "dataset=pcam", f"dataset.root={sys.argv[1]}", "method=grad_norm_cdf", "threshold=always",
    "large_batch_size=1024", "batch_size=128", "budget.steps=2",
)
setup, loading = peak_of(lambda: build(config, torch.device("cpu")))
_, training = peak_of(lambda: train(setup, Memory()))
print(json.dumps({"loading": loading, "training": training}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_steps_of_pcams_size_stay_below_their_bound(tmp_path):
    made = make_pcam(tmp_path)
    stem = tmp_path / "pcam" / "camelyonpatch_level_2_split_train"
    with h5py.File(f"{stem}_x.h5", "w") as x, h5py.File(f"{stem}_y.h5", "w") as y:
        x["x"] = np.resize(made["x_train"], (PATCHES, 96, 96, 3))
        y["y"] = np.resize(made["y_train"], (PATCHES, 1, 1, 1))
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    peak_bytes = json.loads(ended.stdout.splitlines()[-1])
    assert peak_bytes["loading"] < PATCHES * 96 * 96 * 3, "the patches were copied into memory"
    assert peak_bytes["training"] < 1.5e9
