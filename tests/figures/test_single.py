"""Every run has a picture of its own, and does not wait for pandas and seaborn."""

import subprocess
import sys

import matplotlib.pyplot
import pytest
import torch

from cdfis_bench.analysis.importance.rates import extremes
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.images import ImageSamples
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.datasets.two_circles import TwoCircles
from cdfis_bench.figures.importance.run import draw_samples
from cdfis_bench.figures.single import draw_single
from tests.analysis.fabricate import run, usage
from tests.app.command import ROOT, environment


@pytest.mark.parametrize("steps", [(0,), (0, 50, 100)])
def test_a_run_draws_its_curve_into_its_folder(tmp_path, steps):
    stored = run(tmp_path, steps=steps, accuracy=(0.5, 0.7, 0.9)[: len(steps)])
    before = {path.name for path in stored.folder.iterdir()}
    assert draw_single(stored) == [stored.folder / "curve.png"]
    assert {path.name for path in stored.folder.iterdir()} - before == {"curve.png"}
    assert matplotlib.pyplot.get_fignums() == []


def test_the_import_of_a_single_picture_is_light():
    code = (
        "import sys, cdfis_bench.figures.single, cdfis_bench.figures.importance.run\n"
        "heavy = {'pandas', 'seaborn', 'scipy', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_a_run_draws_its_most_and_least_selected_pictures(tmp_path):
    stored = run(tmp_path, arrays=usage([3, 0, 0, 9], [9, 9, 9, 9], [0, 0, 1, 1]))
    pictures = ImageSamples(
        *(torch.zeros(4, 8, 8, 1, dtype=torch.uint8), torch.arange(4) % 2),
        *((0.5,), (0.2,), torch.device("cpu")),
    )
    shown = make_gallery(Dataset("Four", pictures, pictures, 2, (1, 8, 8)))
    ends = extremes(stored, shown.labels, 2)
    assert draw_samples(stored, ends, shown) == [stored.folder / "samples.png"]
    assert (stored.folder / "samples.png").stat().st_size > 100
    assert matplotlib.pyplot.get_fignums() == []


def test_points_and_runs_that_never_chose_have_no_pictures_of_samples(tmp_path):
    stored = run(tmp_path, arrays=usage([3, 0], [9, 9], [0, 0]))
    points = make_gallery(TwoCircles(2, 2).load(torch.device("cpu")))
    assert draw_samples(stored, extremes(stored, points.labels, 2), points) == []
    assert draw_samples(stored, {}, points) == []
