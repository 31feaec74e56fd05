"""The settings of the trackers, and the ones that write nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from cdfis_bench.core.errors import UserError
from cdfis_bench.trackers.none import NoTracker
from cdfis_bench.trackers.wandb import WandbTracker

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "kind"), [("wandb", WandbTracker), ("none", NoTracker)])
def test_tracker_config_makes_its_tracker(name: str, kind: type) -> None:
    config = OmegaConf.create(
        {"wandb": {"mode": "disabled", "project": "cdfis_bench", "entity": None}}
    )
    config.tracker = OmegaConf.load(ROOT / "conf" / "tracker" / f"{name}.yaml")
    settings = OmegaConf.to_container(config.tracker, resolve=True)
    assert isinstance(settings, dict)
    assert settings.pop("name") == name
    tracker = instantiate(settings)
    assert isinstance(tracker, kind)
    tracker.check()


@pytest.mark.parametrize(
    ("mode", "project"), [("dryrun", "p"), ("", "p"), ("offline", ""), ("offline", "a/b")]
)
def test_settings_that_wandb_would_refuse_are_refused_at_once(mode: str, project: str) -> None:
    with pytest.raises(UserError, match=r"wandb\.(mode|project)="):
        WandbTracker(mode, project)


def test_disabled_writes_nothing_and_does_not_import_wandb(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from cdfis_bench.records.run_record import RunRecord\n"
        "from cdfis_bench.trackers.wandb import WandbTracker\n"
        "tracker = WandbTracker('disabled')\n"
        "tracker.check()\n"
        "results = pathlib.Path(sys.argv[1]) / 'results'\n"
        "record = RunRecord(id='i', arm='a', seed=0, method='m', config={})\n"
        "about = dict(name='n', results_dir=results, experiment=None)\n"
        "with tracker.open(record, **about) as run:\n"
        "    run.row('curve', step=1)\n"
        "    run.image('figure', pathlib.Path('missing.png'))\n"
        "    run.table('samples', [{'index': 1}])\n"
        "    run.summary(steps=1)\n"
        "sys.exit(any(name.split('.')[0] == 'wandb' for name in sys.modules))\n"
    )
    before = sorted(tmp_path.rglob("*"))
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code, tmp_path], cwd=ROOT, check=True, timeout=60
    )
    assert sorted(tmp_path.rglob("*")) == before
