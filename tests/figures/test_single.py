"""Every run has a picture of its own, and does not wait for pandas and seaborn."""

import subprocess
import sys

import matplotlib.pyplot
import pytest

from cdfis_bench.figures.single import draw_single
from tests.analysis.fabricate import run
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
        "import sys, cdfis_bench.figures.single\n"
        "heavy = {'pandas', 'seaborn', 'torch', 'scipy', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
