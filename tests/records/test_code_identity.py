"""Own code is part of a run's identity; unrelated files, the package and PyTorch are not."""

import sys

import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.code_identity import code_of
from cdfis_bench.runner.compute import Launch
from cdfis_bench.runner.job import run_sweep_jobs
from tests.app.command import runs
from tests.engine.small import resolved
from tests.runner.test_job import LAUNCH, jobs

METRIC = """
from cdfis_bench.core.parts import LogitMetric
from ownlab import helper

class Own(LogitMetric):
    def from_logits(self, logits, y):
        return helper.positive(logits)
"""
HELPER = "def positive(logits):\n    return logits.softmax(1).max(1).values\n"
ARM = "metric.name=own metric._target_=ownlab.parts.metric.Own threshold=always"


def forget():
    """What a new process would have loaded of the guest's package: nothing."""
    for name in [name for name in sys.modules if name.split(".")[0] == "ownlab"]:
        del sys.modules[name]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    folder = tmp_path / "code" / "ownlab"
    (folder / "parts").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "metric.py").write_text(METRIC)
    (folder / "helper.py").write_text(HELPER)
    (folder / "other.py").write_text("unrelated = 1\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    forget()
    yield folder
    forget()


def own(target="ownlab.parts.metric.Own"):
    return code_of({"metric": {"_target_": target}})


@pytest.mark.parametrize(
    ("edited", "again"),
    [
        ("parts/metric.py", True),
        ("helper.py", True),
        ("parts/__init__.py", True),
        ("other.py", False),
    ],
)
def test_only_an_edit_of_what_a_run_uses_computes_it_again(tmp_path, lab, edited, again):
    run_sweep_jobs(jobs(tmp_path, ARM), LAUNCH)
    with (lab / edited).open("a") as file:
        file.write("changed = True\n")
    forget()
    run_sweep_jobs(jobs(tmp_path, ARM), LAUNCH)
    assert len(runs(tmp_path)) == (2 if again else 1)


def test_the_record_names_the_modules(tmp_path, lab):
    from cdfis_bench.records.stored_run import read_run

    run_sweep_jobs(jobs(tmp_path, ARM), LAUNCH)
    code = read_run(runs(tmp_path)[0]).record.code
    assert sorted(code) == ["ownlab", "ownlab.helper", "ownlab.parts", "ownlab.parts.metric"]
    assert all(value.startswith("sha256:") for value in code.values())


def test_nothing_is_executed_and_line_ends_do_not_count(lab):
    before = own()
    assert not any(name.split(".")[0] == "ownlab" for name in sys.modules)
    path = lab / "helper.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert own() == before


def test_a_process_goes_on_with_the_code_that_it_has_loaded(lab):
    before = own()
    import ownlab.helper
    import ownlab.parts.metric  # noqa: F401

    (lab / "helper.py").write_text("positive = None\n")
    assert own() == before
    forget()
    assert own() != before


@pytest.mark.parametrize(
    "line",
    ["from .. import other", "from ..other import unrelated", "def f():\n    import ownlab.other"],
)
def test_every_form_of_import_is_followed(lab, line):
    (lab / "parts" / "metric.py").write_text(line + "\n")
    assert "ownlab.other" in own()


def test_modules_that_import_each_other_are_read_once(lab):
    (lab / "helper.py").write_text("import ownlab.other\n")
    (lab / "other.py").write_text("import ownlab.helper\n")
    assert {"ownlab.helper", "ownlab.other"} <= own().keys()


def test_a_link_counts_by_what_it_leads_to(lab):
    real = lab.parent / "elsewhere.txt"
    real.write_text(HELPER)
    (lab / "helper.py").unlink()
    (lab / "helper.py").symlink_to(real)
    before = own()
    real.write_text(HELPER + "\n")
    assert own() != before


def test_a_source_that_cannot_be_read_is_named(lab, monkeypatch):
    from pathlib import Path

    real = Path.read_bytes

    def refused(path):
        if path.name == "helper.py":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(UserError, match=r"helper\.py of ownlab\.helper cannot be read"):
        own()


@pytest.mark.parametrize("module", ["typed_in", "__main__"])
def test_a_class_without_a_file_is_refused(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "typed_in", type(sys)("typed_in"))
    with pytest.raises(UserError, match=f"_target_={module}.Own is in no file"):
        own(f"{module}.Own")


@pytest.mark.parametrize("overrides", [[], ["method=rho"], ["optimizer=sgd", "dataset=pcam"]])
def test_the_packages_own_parts_and_torch_leave_ids_alone(overrides):
    assert code_of(resolved(*overrides)) == {}


def test_a_library_counts_by_its_version():
    import pandas

    nested = {"model": {"layers": [{"_target_": "pandas.io.common.Anything"}]}}
    assert code_of(nested) == {"pandas": f"version {pandas.__version__}"}


def test_batched_seeds_that_are_kept_say_since_when(tmp_path, capsys):
    batch = jobs(tmp_path, "seed=0", "seed=1")
    for _ in range(2):
        capsys.readouterr()
        run_sweep_jobs(batch, Launch("batched_seeds", 1, "sweep"))
    assert capsys.readouterr().out.count("done before on 20") == 2
