"""The list of methods is kept in one place: the presets in conf/method."""

import re
from itertools import combinations

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.config.presets import about_preset, compared_methods, preset_names
from cdfis_bench.config.schema import Config  # noqa: F401  (registers the schema)
from cdfis_bench.config.where import conf_dir
from tests.engine.small import resolved

CONF = conf_dir()
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
METHODS_EXPERIMENTS = [name for name in EXPERIMENTS if name.startswith("methods_")]


def swept_methods(experiment):
    raw = OmegaConf.load(CONF / "experiment" / f"{experiment}.yaml")
    return str(OmegaConf.select(raw, "hydra.sweeper.params.method") or "").split(",")


def test_every_preset_belongs_to_an_experiment():
    """A new preset is forgotten nowhere: it says `comparison: true`, or an experiment names it."""
    swept = {name for experiment in EXPERIMENTS for name in swept_methods(experiment)}
    assert not set(preset_names()) - swept, "not swept by any experiment; set comparison: true"


@pytest.mark.parametrize("experiment", METHODS_EXPERIMENTS)
def test_the_methods_experiments_sweep_the_presets_that_ask_for_it(experiment):
    asking = [name for name in preset_names() if about_preset(name).get("comparison")]
    assert swept_methods(experiment) == asking == compared_methods()
    assert asking[0] == "uniform" and len(asking) > 20


def test_a_new_preset_file_is_compared_without_further_edits(tmp_path, monkeypatch):
    folder = tmp_path / "method"
    folder.mkdir()
    for name, block in (
        ("uniform", "title: uniform"),
        ("new", "title: New\n  comparison: true"),
        ("aside", "title: A\n  comparison: false"),
    ):
        (folder / f"{name}.yaml").write_text(f"preset:\n  {block}\n")
    monkeypatch.setattr("cdfis_bench.config.presets.conf_dir", lambda: tmp_path)
    about_preset.cache_clear()
    try:
        assert preset_names() == ["uniform", "aside", "new"] and compared_methods() == ["new"]
    finally:
        about_preset.cache_clear()


def lab(color):
    """CIELAB coordinates of #rrggbb under D65."""
    rgb = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = np.cbrt(to_xyz @ linear / np.array([0.9505, 1, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_titles_and_colors_are_distinguishable():
    names = preset_names()
    titles = [about_preset(name)["title"] for name in names]
    assert len(set(titles)) == len(titles)
    colors = {name: lab(about_preset(name)["color"]) for name in names}
    for one, other in combinations(names, 2):
        if {one.split("_x")[0], other.split("_x")[0]} == {"uniform"}:
            continue  # the yardstick: shades of one color, chosen by the figure
        distance = np.linalg.norm(colors[one] - colors[other])
        assert distance > 20, f"{one} and {other} look alike; choose another color"
    for name, color in colors.items():
        assert color[0] < 75, f"{name} is too pale on white"


def test_the_papers_five_methods_keep_their_colors():
    paper = {
        "uniform": "#0173b2",
        "loss_topk": "#d55e00",
        "loss_cdf": "#de8f05",
        "grad_norm_topk": "#cc78bc",
        "grad_norm_cdf": "#029e73",
    }
    assert {name: about_preset(name)["color"] for name in paper} == paper


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_has_a_title_and_a_color(name):
    preset = about_preset(name)
    assert set(preset) <= {"title", "color", "comparison"}
    assert preset["title"] and re.fullmatch("#[0-9a-f]{6}", preset["color"])


@pytest.mark.parametrize(
    ("overrides", "preset"),
    [
        ([], "loss_cdf"),
        (["method=kf18_loss", "threshold=never"], "uniform"),
        (["threshold.fraction=0"], "uniform"),
        (["method=loss_cdf", "weighting=unbiased"], "loss_cdf_unbiased"),
    ],
)
def test_title_and_color_are_those_of_the_method_and_not_of_the_preset_given(overrides, preset):
    config, own = resolved(*overrides), about_preset(preset)
    assert config["method"] == preset
    assert (config["method_title"], config["method_color"]) == (own["title"], own["color"])


def test_a_method_without_a_preset_is_called_by_its_parts():
    config = resolved("method=loss_cdf", "metric=margin", "selector=topk")
    assert config["method"] == config["method_title"] == "margin_topk"
    assert config["method_color"] is None


def composed_with_a_preset_of_my_own(folder, color, *overrides):
    """Composes with a preset `mine` in a configuration folder of the user's."""
    (folder / "method").mkdir()
    (folder / "method" / "mine.yaml").write_text(
        "# @package _global_\nmethod: ${cdfis.method:mine}\n"
        f"preset:\n  title: Mine\n  color: '{color}'\n"
    )
    with initialize_config_dir(str(CONF), version_base="1.3"):
        path = f"hydra.searchpath=[file://{folder}]"
        return compose("config", ["method=mine", path, *overrides])


def test_a_preset_outside_the_package_brings_its_title_and_color(tmp_path):
    cfg = composed_with_a_preset_of_my_own(tmp_path, "#123456")
    assert (cfg.method, cfg.method_title, cfg.method_color) == ("mine", "Mine", "#123456")
    cfg.threshold.name = "never"
    assert (cfg.method, cfg.method_title, cfg.method_color) == ("uniform", "uniform", "#0173b2")


def test_a_color_of_another_form_is_refused(tmp_path):
    cfg = composed_with_a_preset_of_my_own(tmp_path, "blue-ish")
    with pytest.raises(OmegaConfBaseException, match="must be six hexadecimal digits"):
        _ = cfg.method_color
