"""The wheel holds everything: built, unpacked elsewhere, it runs an experiment from an empty
folder.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the unpacked wheel. No network: the build backend is part of the test extra."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_every_configuration_file_is_in_the_wheel(site):
    def files(folder):
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.yaml"))

    assert files(site / "cdfis_bench" / "conf") == files(ROOT / "conf") != []
    assert (site / "hydra_plugins" / "cdfis_bench_pool.py").exists()


def test_the_licence_and_the_mark_of_types_are_in_the_wheel(site):
    assert (site / "cdfis_bench" / "py.typed").exists()
    (licence,) = site.glob("cdfis_bench-*.dist-info/licenses/LICENSE")
    assert licence.read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.slow
def test_the_wheel_runs_an_experiment_from_an_empty_folder(site, tmp_path):
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "cdfis_bench",
            "experiment=smoke",
            "method=uniform,loss_cdf",
            "seed=0",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "results" / "experiments" / "smoke" / "smoke.png").exists()


def test_the_wheel_reads_its_own_configuration(site, tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", "from cdfis_bench.config.where import conf_dir; print(conf_dir())"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(result.stdout.strip()) == site / "cdfis_bench" / "conf"
