"""The notebook runs as it is stored: without outputs, on any finished experiment."""

import subprocess
import sys

import nbformat
import pytest
import torch

from tests.analysis.fabricate import note, patterns, run, usage
from tests.app.command import ROOT, environment

NOTEBOOK = ROOT / "notebooks" / "results.ipynb"
POINTS = {
    "name": "two_circles",
    "_target_": "cdfis_bench.datasets.two_circles.TwoCircles",
    "train_size": 50,
    "test_size": 5,
}
EXECUTE = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=300).execute()
nbformat.write(notebook, sys.argv[2])
"""


def cells():
    return nbformat.read(NOTEBOOK, as_version=4).cells


def test_it_is_stored_without_outputs_and_counts():
    code = [cell for cell in cells() if cell.cell_type == "code"]
    assert len(code) > 5
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_every_figure_follows_a_sentence_on_what_to_see():
    for before, cell in zip(cells(), cells()[1:], strict=False):
        if cell.cell_type == "code" and "show(" in cell.source:
            assert before.cell_type == "markdown" and len(before.source.split()) > 15


@pytest.mark.slow
def test_it_shows_every_figure_of_a_finished_experiment(tmp_path):
    generator = torch.Generator().manual_seed(0)
    number = 0
    for method in ("uniform", "loss_cdf"):
        for seed in (0, 1):
            chosen = torch.randint(0, 9, (50,), generator=generator)
            offered = chosen if method == "uniform" else torch.full((50,), 20)
            arrays = patterns((0, 100), seed) | usage(chosen, offered, [0] * 50)
            stored = run(tmp_path / "results", method, seed, arrays=arrays, dataset=POINTS)
            note(tmp_path / "results", number, stored)
            number += 1
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    variables = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert variables.source.count("=") == 2, "the folder and the name, and nothing else"
    variables.source = f"results_dir, experiment_name = {str(tmp_path / 'results')!r}, 'sweep'"
    nbformat.write(notebook, tmp_path / "given.ipynb")
    # In a process of its own: the kernel's client warns of much that is not ours.
    result = subprocess.run(
        [sys.executable, "-c", EXECUTE, "given.ipynb", "done.ipynb"],
        cwd=tmp_path,
        env=environment() | {"IPYTHONDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    shown = [
        output.data
        for cell in nbformat.read(tmp_path / "done.ipynb", as_version=4).cells
        if cell.cell_type == "code" and "show(" in cell.source
        for output in cell.outputs
    ]
    assert len(shown) == sum("show(" in cell.source for cell in cells() if cell.cell_type == "code")
    said = [data.get("text/markdown") for data in shown if "image/png" not in data]
    assert said == [], "a sentence stands where a figure should be"
