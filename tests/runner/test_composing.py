"""Configurations composed once and changed equal those that Hydra composes for every job."""

import pickle
import time

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf

from cdfis_bench.config.schema import Config  # noqa: F401  (registers the schema)
from cdfis_bench.config.where import conf_dir
from cdfis_bench.runner.composing import CachingLoader


@pytest.fixture
def loaders():
    """Hydra's loader, the caching one, and the configuration of the sweep."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        master = compose("config", ["seed=0"], return_hydra_config=True)
        hydras = GlobalHydra.instance().config_loader()
        yield hydras, CachingLoader(hydras), master


JOBS = [
    ["method=uniform", "seed=0"],
    ["method=uniform", "seed=1", "budget.steps=3"],
    ["seed=2", "method=loss_cdf", "threshold.fraction=0.5"],
    ["selector=topk", "optimizer.lr='${oc.select:seed}'", "seed=3"],
    ["experiment=smoke", "selector.form=rank", "dataset=mnist", "hydra.verbose=true"],
    ["+new=1", "~tracker", "device=cpu"],
    ["method=uniform", "seed=4"],
]


def test_every_job_gets_what_hydra_would_compose(loaders):
    hydras, caching, master = loaders
    for loader in (caching, pickle.loads(pickle.dumps(caching))):
        for job in JOBS:
            expected, config = (
                one.load_sweep_config(master, list(job)) for one in (hydras, loader)
            )
            assert OmegaConf.to_yaml(config) == OmegaConf.to_yaml(expected), job
            assert OmegaConf.is_struct(config) == OmegaConf.is_struct(expected)


@pytest.mark.parametrize("wrong", ["seeds=1", "seed=many", "selector=cdff", "selector.frm=rank"])
def test_what_hydra_refuses_is_refused(loaders, wrong):
    hydras, caching, master = loaders
    for loader in (hydras, caching):
        loader.load_sweep_config(master, ["seed=0"])
        with pytest.raises((HydraException, Exception)) as caught:
            loader.load_sweep_config(master, [wrong])
        message = str(caught.value)
        if loader is hydras:
            expected = message
    assert message == expected


def test_the_seeds_of_an_arm_are_composed_once(loaders):
    _, caching, master = loaders
    caching.load_sweep_config(master, ["method=uniform", "seed=0"])
    began = time.process_time()
    for seed in range(30):
        assert caching.load_sweep_config(master, ["method=uniform", f"seed={seed}"]).seed == seed
    assert time.process_time() - began < 3  # measured: 0.2 s; Hydra needs 9 s
