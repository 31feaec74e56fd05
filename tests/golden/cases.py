"""The runs whose numbers are stored: every preset, and options that no preset uses."""

import hashlib
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.summary import Summary
from cdfis_bench.engine.batched_seeds.train import train_batched_seeds
from cdfis_bench.engine.loop import train
from cdfis_bench.engine.setup import RunSetup
from tests.engine.small import Memory, numbers, setup

PRESETS = sorted(path.stem for path in (conf_dir() / "method").glob("*.yaml"))
FILE = Path(__file__).with_name("numbers.json")
# Options of the groups that no preset has, and root values that change numbers.
OPTIONS = {
    "clipped": ["weighting=clipped", "threshold=always"],
    "biased_power": ["weighting=biased_power", "threshold=always"],
    "gumbel": ["selector=gumbel", "threshold=always"],
    "gumbel_exp": ["selector=gumbel", "selector.form=exp", "metric=margin", "threshold=always"],
    "rank_power": ["selector=rank_power", "selector.power=2", "selector.replacement=true"],
    "cdf_smoothed": ["selector=cdf_smoothed", "threshold=always"],
    "entropy": ["metric=entropy", "selector=topk", "threshold=always"],
    "margin": ["metric=margin", "selector=topk", "threshold=always"],
    "grad_norm_last": ["metric=grad_norm_last", "threshold=always"],
    "kf18_open": ["method=kf18_bound", "threshold.level=1.0", "threshold.debias=true"],
    "memory_presample": ["metric=memory", "metric.keep=0.5", "threshold=always"],
    "source_dataset_cdf": ["source=dataset", "metric=memory", "threshold=warmup"],
    "scoring_train_mode": ["scoring_mode=train", "threshold=always"],
    "bfloat16_scores": ["scoring_dtype=bfloat16", "threshold=always"],
    "learning": ["method=loss_cdf", "record_learning=true", "pattern_every=20"],
    "equal_cost": ["method=loss_cdf", "budget.steps=null", "budget.uniform_steps=60"],
}
TWO_CIRCLES = [
    "budget.steps=60",
    "eval_every=20",
    "dataset.train_size=1024",
    "dataset.test_size=256",
    "dataset.recipe.threshold_fraction=0.95",
]
CNN = [
    "dataset=arrays",
    "dataset.classes=3",
    "model.channels=1",
    "model.side=20",
    "dataset.recipe.threshold_fraction=0.999",
    "budget.steps=20",
    "eval_every=10",
    "large_batch_size=48",
    "batch_size=12",
]
BATCHED_SEEDS = {
    "uniform": ["method=uniform"],
    "loss_cdf": ["method=loss_cdf"],
    "grad_norm_cdf": ["method=grad_norm_cdf", "weighting=unbiased"],
    "kf18_bound": ["method=kf18_bound", "threshold.level=1.0"],
    "infobatch": ["method=infobatch"],
}


def cases() -> dict[str, list[str]]:
    """Overrides by the name of the case."""
    arms = {preset: [f"method={preset}"] for preset in PRESETS} | OPTIONS
    found = {f"two_circles/{name}": [*arm, *TWO_CIRCLES] for name, arm in arms.items()}
    return found | {f"cnn/{name}": [*arm, *CNN] for name, arm in arms.items()}


def all_names() -> list[str]:
    return [*cases(), *(f"batched_seeds/{arm}" for arm in BATCHED_SEEDS)]


def results_version() -> int:
    """The results version of this checkout."""
    return yaml.safe_load((conf_dir() / "config.yaml").read_text())["results_version"]


def refuse_changes(stored: dict[str, Any], found: dict[str, Any]) -> None:
    """Exits if numbers have changed on the same machine under the same results version."""
    same = all(stored[key] == found[key] for key in ("environment", "results_version"))
    changed = [
        name
        for name, numbers in stored["cases"].items()
        if name in found["cases"] and found["cases"][name] != numbers
    ]
    if same and changed:
        raise SystemExit(
            f"{len(changed)} stored cases have changed ({changed[0]}, ...): raise results_version "
            "in conf/config.yaml first, or stored runs would pass for new ones"
        )


def write_images(path: Path) -> None:
    """192 grey images of 20 x 20 pixels in 3 classes: noise with a bright bar."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 192), ("test", 48)):
        y = rng.integers(0, 3, n)
        x = rng.integers(0, 160, (n, 20, 20))
        for row, label in enumerate(y):
            x[row, 6 * label : 6 * label + 5] += 60
        arrays |= {f"x_{part}": x.astype(np.uint8), f"y_{part}": y}
    np.savez(path, **arrays)


def environment() -> dict[str, str]:
    """What bit-equal numbers depend on besides the code."""
    return {
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "machine": f"{platform.machine()} {_processor()}",
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    fields = dict(
        (part.strip() for part in line.split(":", 1))
        for line in (cpuinfo.read_text() if cpuinfo.exists() else "").splitlines()
        if ":" in line
    )
    return " ".join(fields.get(name, "") for name in ("vendor_id", "cpu family", "model"))


def digest(tensors: list[torch.Tensor]) -> str:
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(tensor.detach().contiguous().cpu().numpy().tobytes())
    return sha.hexdigest()[:16]


def compute(name: str, folder: Path) -> Any:
    """The numbers of one case, without what a clock says."""
    kind, arm = name.split("/")
    if kind == "batched_seeds":
        overrides = [*BATCHED_SEEDS[arm], *TWO_CIRCLES]
        setups = [setup(*overrides, f"seed={seed}") for seed in range(3)]
        memories = [Memory() for _ in setups]
        summaries = train_batched_seeds(setups, memories)
        return [_numbers(*one) for one in zip(setups, memories, summaries, strict=True)]
    overrides = cases()[name]
    if kind == "cnn":
        path = folder / "images.npz"
        write_images(path)
        overrides = [*overrides, f"dataset.path={path}"]
    one, memory = setup(*overrides), Memory()
    return _numbers(one, memory, train(one, memory))


def _numbers(one: RunSetup, memory: Memory, summary: Summary) -> dict[str, Any]:
    return {
        "weights": digest(list(one.model.state_dict().values())),
        "arrays": {array: digest([values]) for array, values in sorted(memory.arrays.items())},
        "selected": sum(memory.arrays["selected_count"].tolist()),
        "curve": numbers(memory.rows),
        "summary": numbers([summary.to_json()])[0],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = {name: compute(name, Path(folder)) for name in all_names()}
    out = {"results_version": results_version(), "environment": environment(), "cases": found}
    out = json.loads(json.dumps(out))
    refuse_changes(json.loads(FILE.read_text()), out)
    FILE.write_text(
        json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"') + "\n"
    )
