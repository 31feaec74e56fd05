"""Bad inputs: refused in one sentence, before anything is touched; never ignored."""

import random
import string
from pathlib import Path

from tests.chaos.campaign import Fault
from tests.chaos.command import SHORT, forked
from tests.chaos.judge import short, tree, words

# Each must be refused: exit 1, one sentence, nothing outside touched.
REFUSED = (
    "name=../outside",
    "name=..",
    "name=/tmp/outside",
    "name=a/b",
    'name=""',
    "dataset.name=../../outside",
    "dataset.name=a/b",
    "redraw=../outside",
    "redraw=..",
    "redraw=nothing",
    "selector=nope",
    "threshold=0.5",
    "metric=1",
    "seeds=10",
    "lr=0.1",
    "epochs=3",
    "device=cuda:0",
    "optimizer.momentum=0.9",
    "+scheduler=cosine",
    "+scheduler.name=cosine",
    "+nonsense=1",
    "seed=-1",
    "seed=1.5",
    "seed=abc",
    "seed=null",
    "batch_size=0",
    "batch_size=-3",
    "batch_size=1000000",
    "batch_size=1e9",
    "large_batch_size=0",
    "large_batch_size=7",
    "large_batch_size=abc",
    "budget.steps=-1",
    "budget.steps=1.5",
    "budget.steps=nan",
    "budget.train_seconds=-1",
    "budget.train_seconds=nan",
    "eval_every=0",
    "eval_every=-5",
    "checkpoint_every=0",
    "pattern_every=0",
    "optimizer.lr=nan",
    "optimizer.lr=-1",
    "optimizer.lr=abc",
    "threshold.fraction=nan",
    "threshold.fraction=-1",
    "threshold.fraction=abc",
    "keep.fraction=0",
    "keep.fraction=1.5",
    "keep.by=nothing",
    "dataset.train_size=0",
    "dataset.train_size=-4",
    "dataset.test_size=0",
    "scoring_mode=maybe",
    "training_mode=maybe",
    "scoring_dtype=float8",
    "backend=magic",
    "chunk_size=0",
    "figure=nope",
    "figure.hue=no.such.key",
    "dataset=arrays",
    "dataset=nope",
    "method=nope",
    "experiment=nope",
    "hydra.sweeper.nothing=1",
    "selector.form=other",
    "tracker=nope",
    "wandb.mode=sometimes",
    "results_dir=/dev/null",
    "results_dir=/proc/nowhere",
)
# The same for a sweep.
REFUSED_SWEEPS = (
    "name=x${seed}",
    "name=../outside",
    "figure=curves,ranking",
    "seed=[0,1]",
    "seed=range(0,0)",
    "threshold.fraction=1,1.0",
    "method=nope,uniform",
    "figure.x=[stpe]",
    "figure.y=[]",
    "hydra/launcher=nope",
    "+nonsense=1,2",
    "redraw=a,b",
)
_KEYS = (
    *("seed", "batch_size", "large_batch_size", "eval_every", "pattern_every", "checkpoint_every"),
    *("keep.fraction", "keep.by", "budget.uniform_steps", "budget.train_seconds", "budget"),
    *("optimizer.lr", "threshold.fraction", "selector.form", "selector.replacement", "selector"),
    *("dataset.train_size", "dataset.noise", "dataset", "model.hidden", "model", "metric"),
    *("weighting", "source", "threshold", "method", "name", "figure", "figure.title", "figure.hue"),
    *("device", "device.threads", "chunk_size", "backend", "scoring_dtype", "results_version"),
    *("hydra.sweep.dir", "hydra.mode", "hydra.verbose", "redraw", "preset.color", "preset.title"),
)
_VALUES = (
    *("0", "1", "-1", "2.5", "nan", "inf", "-inf", "1e400", "1e-400", "9" * 30, "null", "true"),
    *("abc", '""', "[]", "{}", "[1,2]", "{a:1}", "..", "../x", "a b", "é", "💥", "'$x^2_<b>'"),
    *("${seed}", "${nope}", "${oc.env:HOME}", "${", "x" * 300, "\\", "'", '"', "a=b", ",", "?"),
    *("cdf", "topk", "uniform", "none", "never", "always", "loss", "cpu", "two_circles"),
)


def input_trial(rng: random.Random, folder: Path) -> list[Fault]:
    """Gives one override that must be refused, or a few random ones."""
    outside, work = folder / "outside", folder / "work"
    (outside / "jobs").mkdir(parents=True)
    (outside / "jobs" / "thesis.txt").write_text("irreplaceable")
    work.mkdir()
    listed = rng.random() < 0.6
    sweep: tuple[str, ...] = ()
    if listed:
        if rng.random() < 0.2:
            given, sweep = (rng.choice(REFUSED_SWEEPS),), ("-m",)
        else:
            given = (rng.choice(REFUSED),)
    else:
        given = tuple(_random_override(rng) for _ in range(rng.choice((1, 1, 2, 3))))
        sweep = ("-m",) if rng.random() < 0.3 else ()
    before = tree(outside)
    small = [part for part in SHORT if _key(part) not in map(_key, given)]
    places = () if any(_key(part) == "results_dir" for part in given) else ("results_dir=results",)
    said = forked((*sweep, *small, *places, *given), work)
    told = f"{' '.join((*sweep, *given))[:160]}: {short(said)}"
    faults = [Fault(kind, told) for kind in words(said)]
    if listed and said.code == 0:
        faults.append(Fault("bad input is accepted", told))
    if listed and said.code and "cdfis_bench:" not in said.output:
        faults.append(Fault("refused without a sentence", told))
    if tree(outside) != before:
        faults.append(Fault("files outside are touched", told))
    return faults


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _random_override(rng: random.Random) -> str:
    if rng.random() < 0.1:
        return "".join(rng.choices(string.printable.strip(), k=rng.randint(1, 12))).lstrip("-")
    prefix = rng.choice(("", "", "", "", "+", "++", "~"))
    return f"{prefix}{rng.choice(_KEYS)}={rng.choice(_VALUES)}"
