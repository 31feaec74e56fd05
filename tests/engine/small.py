"""A small Two Circles run for the engine's tests, made through the real configuration."""

import torch
from hydra import compose, initialize_config_dir

from cdfis_bench.config.build import build
from cdfis_bench.config.schema import Config, read_config, resolve
from cdfis_bench.config.where import conf_dir
from cdfis_bench.engine.loop import train
from cdfis_bench.engine.setup import RunSetup

SMALL = [
    "dataset.train_size=3000",
    "dataset.test_size=500",
    "budget.steps=40",
    "eval_every=10",
    "large_batch_size=256",
    "batch_size=32",
    "tracker=none",
]


def resolved(*overrides: str) -> dict:
    others = any(value.startswith("dataset=") for value in overrides)
    small = [value for value in SMALL if not (others and value.startswith("dataset."))]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", [*small, *overrides])
    return resolve(cfg)


def configured(*overrides: str) -> Config:
    return read_config(resolved(*overrides))


def setup(*overrides: str) -> RunSetup:
    return build(configured(*overrides), torch.device("cpu"))


class Memory:
    """A Recorder that keeps everything."""

    def __init__(self):
        self.rows, self.arrays = [], {}

    def row(self, table, **values):
        self.rows.append(values)

    def array(self, name, values):
        self.arrays[name] = values.clone()


def run(*overrides: str):
    memory = Memory()
    summary = train(setup(*overrides), memory)
    return memory, summary


SECONDS = ("train_seconds", "load_seconds", "score_seconds", "select_seconds", "update_seconds")


def numbers(rows):
    """Rows without what a clock says."""
    return [
        {k: v for k, v in row.items() if not k.endswith("_seconds") and k != "step_cost"}
        for row in rows
    ]
