"""What the documentation shows is run as it stands there."""

import re

import torch

from tests.app.command import ROOT, TINY, cdfis, runs

PAGE = (ROOT / "docs" / "your_own_method.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_guests_of_the_page_run_from_the_command_line(tmp_path):
    for block in (*blocks("python")[:1], *blocks("yaml")):
        path = tmp_path / block.split("\n", 1)[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block)
    (command,) = [line for line in PAGE.splitlines() if line.startswith("python -m cdfis_bench")]
    arguments = command.split()[3:]
    result = cdfis(tmp_path, *arguments, *TINY, "threshold=always")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "distance_stratified" in result.stdout
    assert len(runs(tmp_path)) == 4


def test_the_three_lines_of_the_page_run():
    source = blocks("python")[1]
    before = torch.default_generator.get_state()
    names = {
        "torch": torch,
        "model": torch.nn.Linear(2, 3),
        "x": torch.zeros(64, 2),
        "y": torch.zeros(64, dtype=torch.long),
    }
    exec(source, names)
    torch.default_generator.set_state(before)  # the page's lines draw from it, as promised
    assert names["chosen"].shape == (32,) and names["loss"].requires_grad
