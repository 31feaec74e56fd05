"""A name is one component of a path, and nothing that the suite did not write is removed."""

import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.claims import claim
from cdfis_bench.records.ownership import MARKER_FILE, require_ours, take_ownership
from cdfis_bench.records.paths import one_component
from cdfis_bench.runner.plan import plan_run
from tests.app.command import TINY, cdfis
from tests.runner.test_job import jobs

BAD = [
    *("", " ", ".", "..", "../x", "a/b", "/etc", "a\\b", "C:\\x", "a\nb", "a\x1b[2Jb", "a\x00b"),
    *("\u202ecod.exe", "a\ud800", "x" * 101, "\N{GRINNING FACE}" * 60),
]


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_name_is_refused_in_one_line(value):
    with pytest.raises(UserError, match=r"^name=") as caught:
        one_component("name", value)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 400


@pytest.mark.parametrize("value", ["fig3", "my sweep", "...", "x" * 100, "größe-1.5", "-m", ".x"])
def test_ordinary_names_are_kept(value):
    assert one_component("name", value) == value


@pytest.mark.parametrize(
    "override",
    [
        *("name=..", "name=../../precious", "name=/tmp/precious", "dataset.name=../x"),
        *("method=../../x", "keep.experiment=../x", "redraw=a/b", "'dataset.name=\"\"'"),
        *("results_dir=''", "method=a\\\\b"),
    ],
)
def test_a_run_with_such_a_name_is_refused_before_anything_is_written(tmp_path, override):
    (job,) = jobs(tmp_path, "")
    key, value = override.strip("'").split("=", 1)
    group, _, leaf = key.rpartition(".")
    node = job.cfg[group] if group else job.cfg
    node[leaf] = value.strip("\"'")
    with pytest.raises(UserError, match=key.replace(".", r"\.")):
        plan_run(job.cfg)
    assert not list(tmp_path.iterdir())


def test_the_command_refuses_a_name_that_leaves_the_store(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "jobs").mkdir()
    kept = tmp_path / "precious" / "jobs" / "thesis.txt"
    kept.write_text("years of work")
    result = cdfis(tmp_path, *TINY, "name=../../precious")
    assert result.returncode == 1 and "contains a path separator" in result.stderr
    assert kept.read_text() == "years of work" and "Traceback" not in result.stderr
    assert not (tmp_path / "results").exists()


def test_a_folder_of_somebody_else_is_not_used(tmp_path):
    folder = tmp_path / "two_circles-loss_cdf-s0-abc"
    folder.mkdir()
    (folder / "curve.jsonl").write_text("mine")
    with pytest.raises(UserError, match="did not write"), claim(folder):
        pass
    assert [path.name for path in folder.iterdir()] == ["curve.jsonl"]
    with pytest.raises(UserError, match="nothing in it is removed"):
        require_ours(folder)


def test_an_empty_folder_and_one_of_an_earlier_version_are_taken(tmp_path):
    for name in ("empty", "earlier"):
        (tmp_path / name).mkdir()
    (tmp_path / "earlier" / "run.json").write_text("{}")
    for name in ("empty", "earlier", "new"):
        take_ownership(tmp_path / name, "run.json")
        require_ours(tmp_path / name)
        assert (tmp_path / name / MARKER_FILE).is_file()
