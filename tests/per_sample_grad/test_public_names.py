"""The library is importable by name, without torch until it is used and without Hydra at all."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import cdfis_bench
from cdfis_bench.core.streams import drawing_from, stream

PAGE = (Path(__file__).parents[2] / "docs" / "per_sample_grad.md").read_text()

IMPORTS = """
import sys
import cdfis_bench
assert "torch" not in sys.modules
assert {"grad_norms", "select"} <= set(dir(cdfis_bench))
from cdfis_bench import grad_norms
from cdfis_bench.per_sample_grad import grad_norms as same, layer_grad_norms
assert grad_norms is same
found = {"hydra", "omegaconf", "wandb", "pandas", "h5py", "matplotlib"} & set(sys.modules)
assert not found, found
"""


def test_importing_it_needs_neither_torch_beforehand_nor_hydra() -> None:
    result = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_every_public_name_exists() -> None:
    for name in cdfis_bench.__all__:
        assert getattr(cdfis_bench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        cdfis_bench.unknown  # noqa: B018


def test_the_blocks_of_the_page_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    with drawing_from(stream(0, "test/page")):
        exec(blocks[0], names)
        default = names["norms"]
        assert default.shape == (1024,) and bool((default > 0).all())
        for block in blocks[1:]:
            exec(block, names)
            assert names["norms"].shape == (1024,)
    assert list(names["layers"]) == ["0", "2"]
    torch.testing.assert_close(names["total"], default)
