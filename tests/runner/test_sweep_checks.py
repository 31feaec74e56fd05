"""What a sweep asks for is counted and checked as Hydra's sweeper expands it."""

import random

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf, open_dict

from cdfis_bench.config.schema import Config  # noqa: F401  (registers the schema)
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError
from cdfis_bench.runner.sweep_checks import check_sweep, planned_jobs, swept_values


@pytest.fixture
def sweep(tmp_path):
    """Composes a sweep as `python -m cdfis_bench -m ...` does, inside an initialized Hydra."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):

        def make(*overrides):
            parsed = OverridesParser.create().parse_overrides(list(overrides))
            single = [
                text
                for text, one in zip(overrides, parsed, strict=True)
                if not one.is_sweep_override()
            ]
            config = compose(
                "config", [f"results_dir={tmp_path}", *single], return_hydra_config=True
            )
            with open_dict(config):
                config.hydra.overrides.task = list(overrides)
            return config

        yield make


METHODS = sorted(path.stem for path in (conf_dir() / "method").glob("*.yaml"))


@pytest.mark.parametrize(
    ("overrides", "jobs"),
    [
        (["seed=0,1,2", "method=uniform"], 3),
        (["seed=range(3)"], 3),
        (["seed=range(0,10,step=2)", "selector=choice(cdf,topk)"], 10),
        (["method=glob(*)"], len(METHODS)),
        (["method=glob(loss_*,exclude=*cdf*)", "seed=shuffle(range(0,4))"], 4),
        (["selector=sort(topk,cdf)", "selector=cdf,topk,gumbel"], 3),
        (["experiment=smoke"], 6),
        (["experiment=smoke", "method=glob(uniform_pre*)"], 1 * 2),
        (["experiment=smoke", "seed=1", "method=uniform"], 1),
        (["keep.fraction=1.0"], 1),
    ],
)
def test_jobs_are_counted_as_the_sweeper_makes_them(sweep, overrides, jobs):
    config = sweep(*overrides)
    drawn = random.getstate()
    planned = planned_jobs(config)
    random.setstate(drawn)  # shuffle() draws from it
    assert len(planned) == jobs
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    lines = [f"{key}={value}" for key, value in params.items()] + overrides
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    (hydras,) = BasicSweeper.split_arguments(parser.parse_overrides(lines), None)
    assert planned == hydras


def test_glob_takes_the_options_of_its_group(sweep):
    assert sorted(swept_values(sweep("method=glob(*)"))["method"]) == METHODS
    check_sweep(sweep("method=glob(*)", "seed=0,1"))


def test_an_interval_is_refused_in_one_sentence(sweep):
    with pytest.raises(UserError, match=r"interval\(0,1\) is no list of values; use choice"):
        check_sweep(sweep("optimizer.lr=interval(0,1)"))


@pytest.mark.parametrize("experiments", ["fig1,smoke", "glob(fig*)", "choice(fig1,smoke)"])
def test_a_sweep_over_experiments_is_refused_however_it_is_written(sweep, experiments):
    with pytest.raises(UserError, match="one experiment per command"):
        check_sweep(sweep(f"experiment={experiments}"))


@pytest.mark.parametrize(
    "overrides",
    [
        ["keep.by=random", "keep.fraction=0.1,0.5"],
        ["keep.by=choice(random)", "keep.fraction=choice(0.1,0.5)"],
        ["keep.by=top_el2n", "keep.fraction=1,1.0"],
        ["keep.by=choice(top_el2n,random)"],
    ],
)
def test_what_ranks_no_samples_needs_no_ranking(sweep, overrides):
    check_sweep(sweep(*overrides))


@pytest.mark.parametrize(
    "overrides",
    [
        ["keep.by=random,top_el2n", "keep.fraction=0.1,0.5"],
        ["keep.by=choice(random,top_el2n)", "keep.fraction=0.5"],
        ["keep.by='top_el2n'", "keep.fraction=choice(1,0.5)"],
        ["keep.by=sort(top_el2n,random)", "keep.fraction=0.5", "keep.experiment=mine,other"],
    ],
)
def test_a_ranking_that_is_missing_is_refused_before_the_first_job(sweep, overrides):
    with pytest.raises(UserError, match=r"has no finished runs .* to rank the samples by"):
        check_sweep(sweep(*overrides))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("name='x${seed}'", "may differ between the jobs"),
        ("name='${method}'", "may differ between the jobs"),
        ("results_dir='out/${selector.name}'", "may differ between the jobs"),
        ("name=a,b", "name=a,b differs between the jobs"),
        ("results_dir=a,b", "a sweep has one results_dir"),
        ("name=../up", "contains a path separator"),
        ("name=''", "is empty"),
        ("figure=curves,ranking", "figure=curves,ranking asks for several figures"),
        ("figure.x=step,train_seconds", r"'figure.x=\[step,train_seconds\]'"),
        ("+figure.y=a,b", "a sweep draws one figure"),
    ],
)
def test_jobs_cannot_differ_in_name_folder_or_figure(sweep, tmp_path, override, said):
    with pytest.raises(UserError, match=said):
        check_sweep(sweep("seed=0,1", override))
    assert not list(tmp_path.iterdir())


def test_the_name_may_come_from_the_environment(sweep, monkeypatch):
    monkeypatch.setenv("SWEEP", "mine")
    check_sweep(sweep("seed=0,1", "name='my_${oc.env:SWEEP}'"))
