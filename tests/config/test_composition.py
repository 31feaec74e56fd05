"""Every YAML composes and can be built; experiments keep Hydra's rules."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf

from cdfis_bench.config.build import build, make
from cdfis_bench.config.error_messages import sentence
from cdfis_bench.config.where import conf_dir
from tests.datasets.made_files import (
    image_arrays,
    make_arrays,
    make_cifar10,
    make_mnist,
    make_pcam,
)
from tests.engine.small import SMALL, configured, resolved

CONF = conf_dir()
GROUPS = sorted(
    p.name for p in CONF.iterdir() if p.is_dir() and p.name not in ("hydra", "experiment")
)
OPTIONS = [
    f"{group}={path.stem}" for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))
]
METHODS = sorted(path.stem for path in (CONF / "method").glob("*.yaml"))
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


# Options that go with certain others only; alone they are refused, which test_fit.py checks.
COMPANIONS = {
    "source=dataset": ["metric=memory"],
    "source=epoch_subset": ["metric=memory"],
    "source=queue": ["selector=percentile_bernoulli"],
    "selector=percentile_bernoulli": ["source=queue"],
    "selector=mean_cut": ["source=epoch_subset", "metric=memory"],
    "selector=bandit": ["source=dataset", "metric=none"],
    "selector=robust_linear": ["source=dataset", "metric=none"],
    "selector=greedy_residual": ["metric=last_layer_gram"],
    "metric=last_layer_gram": ["selector=greedy_residual"],
    "metric=margin": ["selector=topk"],
    "metric=none": ["selector=bandit", "source=dataset"],
    "metric=reducible": ["selector=topk"],
    "weighting=horvitz_thompson": ["selector=systematic"],
    "weighting=per_sample": ["selector=mean_cut", "source=epoch_subset", "metric=memory"],
}


def test_the_groups_of_the_contract_are_there():
    contract = (
        "dataset model metric selector threshold device source weighting optimizer method tracker"
    )
    assert set(contract.split()) <= set(GROUPS)


def data(name, folder, monkeypatch):
    """Overrides that give a dataset, or the model for it, tiny files to read."""
    small = ["large_batch_size=16", "batch_size=4", f"dataset.root={folder}"]
    sizes = {"mnist", "cifar10", "pcam", "arrays"}
    if name not in sizes:
        return []
    overrides = [f"dataset={name}", *small]
    if name == "mnist":
        make_mnist(folder)
    elif name == "cifar10":
        monkeypatch.setattr(
            "cdfis_bench.datasets.small_images.read", lambda *a, **k: make_cifar10()
        )
    elif name == "pcam":
        make_pcam(folder)
    else:
        path = make_arrays(folder / "mine.npz", **image_arrays())
        overrides[-1] = f"dataset.path={path}"
    return overrides


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_and_builds(option, tmp_path, monkeypatch):
    if option.startswith("device="):
        assert resolved(option)["device"]["name"] == option.split("=")[1]
        return
    augments = option.startswith("augment=") and option != "augment=none"
    takes_images = augments or option in ("model=resnet", "model=cnn")
    name = "mnist" if takes_images else option.split("=")[1]
    extra = COMPANIONS.get(option, []) + data(name, tmp_path, monkeypatch)
    config = configured(option, *extra)
    if option.startswith("figure="):
        assert hasattr(make("figure", config.figure), "draw")
    elif option.startswith("tracker="):
        make("tracker", config.tracker).check()
    else:
        build(config, torch.device("cpu"))


def experiment(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", [f"experiment={name}"], return_hydra_config=True)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes_sweeps_and_names_itself(name):
    cfg = experiment(name)
    assert cfg.name == name
    if cfg.redraw is None:
        assert cfg.hydra.mode.name == "MULTIRUN" and cfg.hydra.sweeper.params
    else:  # draws the runs of another experiment, in one job
        assert cfg.redraw in EXPERIMENTS and cfg.hydra.mode is None
    figure = OmegaConf.to_container(cfg.figure, resolve=True)
    assert hasattr(make("figure", figure), "draw")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_experiment_sets_a_leaf_of_a_group_that_it_sweeps(name):
    """Such a leaf would reach every swept option, also those that do not have it."""
    raw = OmegaConf.to_container(OmegaConf.load(CONF / "experiment" / f"{name}.yaml"))
    swept = set(raw["hydra"]["sweeper"]["params"]) if "hydra" in raw else set()
    if "method" in swept:  # presets choose these groups
        swept |= {"metric", "selector", "weighting", "threshold", "source"}
    assert not swept & {key for key in raw if isinstance(raw[key], dict)}


def test_model_follows_the_dataset_and_can_be_overridden():
    assert resolved()["model"]["name"] == "mlp"
    assert resolved("dataset=mnist")["model"]["channels"] == 1
    assert resolved("dataset=pcam")["model"]["side"] == 96
    assert resolved("dataset=cifar10", "model=resnet")["model"]["name"] == "resnet"
    assert resolved("model.sizes=[2,8,2]")["model"]["sizes"] == [2, 8, 2]


def test_the_papers_network_has_252_weights():
    model = build(configured(), torch.device("cpu")).model
    assert sum(p.numel() for p in model.parameters()) == 252


@pytest.mark.parametrize(
    ("overrides", "label"),
    [
        ([], "loss_cdf"),
        (["method=uniform"], "uniform"),
        (["method=loss_topk"], "loss_topk"),
        (["method=grad_norm_cdf"], "grad_norm_cdf"),
        (["threshold=never"], "uniform"),
        (["threshold.fraction=0"], "uniform"),
        (["selector=uniform"], "uniform"),
        (["weighting=unbiased"], "loss_cdf_unbiased"),
        (["method=kf18_bound"], "kf18_bound"),
        (["method=kf18_bound", "threshold=never"], "uniform"),
        (["method=kf18_bound", "selector=uniform"], "uniform"),
        (["method=cdf_rank", "threshold.fraction=0"], "uniform"),
        (
            ["source=epoch_subset", "metric=memory", "selector=uniform"],
            "memory_uniform_epoch_subset",
        ),
    ],
)
def test_a_method_is_labelled_by_its_parts(overrides, label):
    assert resolved(*overrides)["method"] == label


@pytest.mark.parametrize("name", METHODS)
def test_every_preset_is_called_by_its_name(name):
    called = "uniform" if name.startswith("uniform_x") else name  # the yardstick: other budgets
    assert resolved(f"method={name}")["method"] == called


def test_the_contract_values_have_the_papers_defaults():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config")
    assert (cfg.seed, cfg.large_batch_size, cfg.batch_size) == (0, 1024, 128)
    assert (cfg.results_dir, cfg.wandb.mode.name, cfg.scoring_mode.name) == (
        "results",
        "offline",
        "eval",
    )
    assert cfg.optimizer.lr == 0.005
    assert SMALL  # the tests' own values are overrides of these


@pytest.mark.parametrize("dataset", ["mnist", "cifar10", "pcam", "arrays"])
def test_one_network_fits_every_image_set(dataset):
    config = resolved(f"dataset={dataset}")
    facts = config["dataset"]["facts"]
    assert config["model"] == {
        **{"name": "cnn", "_target_": "cdfis_bench.models.cnn.cnn", "dropout": 0.5},
        **{key: facts[key] for key in ("channels", "side", "classes")},
    }


def test_the_networks_that_each_dataset_had_answer_with_the_one_for_all():
    with pytest.raises(HydraException) as caught:
        resolved("dataset=mnist", "model=mnist")
    assert sentence(caught.value) == "model=mnist was renamed; use model=cnn"
