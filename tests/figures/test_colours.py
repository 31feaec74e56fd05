"""A method has the same colour in every figure, whatever else is drawn."""

import subprocess
import sys

import pytest

from cdfis_bench.analysis.arms import arms_of
from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.colours import arm_colours
from cdfis_bench.figures.style import label_colour, method_colour
from tests.analysis.fabricate import run
from tests.app.command import ROOT, environment

GUESTS = [f"guest_{letter}" for letter in "abcdefghijkl"]  # more than any palette has


def colours_of(runs):
    return arm_colours(arms_of(runs), "method", "uniform")


def test_the_colour_of_a_method_does_not_depend_on_the_others(tmp_path):
    """Guests used to take colours from a common list, so each one changed those of the others."""
    runs = [run(tmp_path, method) for method in ("uniform", "loss_cdf", *GUESTS)]
    together = colours_of(runs)
    for drawn in (runs[2:], runs[::-1], runs[5:8], *([one] for one in runs)):
        for label, colour in colours_of(drawn).items():
            assert colour == together[label], label


def test_arms_of_one_method_are_shades_that_begin_with_its_colour(tmp_path):
    several = [run(tmp_path, "guest_a", arm=f"{k}", large_batch_size=k) for k in (64, 128)]
    first, second, other = colours_of([*several, run(tmp_path, "guest_b")]).values()
    assert first == label_colour("guest_a") != second and other == label_colour("guest_b")


def test_arms_that_no_method_distinguishes_get_a_ramp(tmp_path):
    uniform = run(tmp_path, "uniform", method_color="#0173b2")
    several = [run(tmp_path, arm=f"{k}", large_batch_size=k) for k in range(9)]
    colours = colours_of([uniform, *several])
    assert colours["uniform"] == "#0173b2" and len(set(colours.values())) == 10


def test_the_colour_and_the_title_are_those_recorded_with_the_run(tmp_path):
    stored = run(tmp_path, "mine", method_color="#123456", method_title="My method")
    (arm,) = arms_of([stored])
    assert colours_of([stored]) == {"mine": "#123456"} and arm.title == "My method"
    both = [stored, run(tmp_path, "mine", arm="b", large_batch_size=2, method_title="My method")]
    assert arms_of(both)[0].title == "My method, large_batch_size=1024"
    by_size = [arm.title for arm in arms_of(both, "large_batch_size")]
    assert by_size == ["1024", "2"], "titles are for methods only"


def test_runs_without_a_recorded_colour_get_different_ones(tmp_path):
    assert len({label_colour(name) for name in GUESTS}) == len(GUESTS)


def test_what_is_not_a_colour_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"method_color=blau of .* is not a color"):
        method_colour(run(tmp_path, method_color="blau").record)


def test_figures_and_analysis_import_no_torch():
    code = (
        "import importlib, pkgutil, sys\n"
        "import cdfis_bench.analysis, cdfis_bench.figures\n"
        "for room in (cdfis_bench.analysis, cdfis_bench.figures):\n"
        "    for found in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "        importlib.import_module(found.name)\n"
        "wrong = {'torch', 'hydra', 'omegaconf', 'cdfis_bench.config'} & set(sys.modules)\n"
        "assert not wrong, wrong"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
