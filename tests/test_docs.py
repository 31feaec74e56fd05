"""What the README and the documentation show is run as it stands there.

Python blocks run in the order of their page, in one namespace per page. A block whose first line is
a path (`# mylab.py`) is a file: it is written to the folder in which the page runs. The overrides
of every `python -m cdfis_bench ...` are composed; a few are executed with a tiny budget.
"""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from torch.nn.functional import cross_entropy

import cdfis_bench.config.schema  # noqa: F401  (registers the schema and the resolvers)
from cdfis_bench.config.where import conf_dir
from tests.app.command import ROOT, TINY, cdfis, environment, runs

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MISTAKE = "python -m cdfis_bench selector=cdff"  # getting_started.md shows how it is answered
FILE_NAME = re.compile(r"# ([\w/]+\.(?:py|yaml))\n")
# Commands that no test can run here, each with what covers it instead.
NOT_RUN = (
    "pip ",  # test_house.py compares the README's with .ci/run, which runs it
    "python -m venv",
    "mkdocs serve",  # built strictly below
    "scripts/reproduce_paper.sh",  # tests/scripts
    "python scripts/make_pcam_standin.py",  # tests/scripts
    "python scripts/make_methods_table.py",  # below
)


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block, in order; a block without a language is a shell's."""
    found = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [(language or "shell", text) for language, text in found]


def write_files(page: Path, folder: Path) -> None:
    for _, text in blocks(page):
        if name := FILE_NAME.match(text):
            path = folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.removeprefix(name[0]))


def commands(page: Path) -> list[str]:
    """The lines of the page's shell blocks without comments."""
    lines = [
        line for language, text in blocks(page) if language == "shell" for line in text.splitlines()
    ]
    return [stripped for line in lines if (stripped := re.sub(r"(^|\s)#.*", "", line).strip())]


def runnable(page: Path) -> list[str]:
    return [text for language, text in blocks(page) if language == "python"]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_every_block_has_a_language_that_is_tested():
    for page in PAGES:
        for language, text in blocks(page):
            assert language in ("python", "yaml", "shell", "text"), (page, language)
            assert language != "yaml" or FILE_NAME.match(text), f"{page}: not run:\n{text}"


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=name_of)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = torch.default_generator.get_state()
    model = torch.nn.Linear(2, 3)
    names = {
        "torch": torch,
        "cross_entropy": cross_entropy,
        "model": model,
        "optimizer": torch.optim.Adam(model.parameters()),
        "x": torch.zeros(256, 2),
        "y": torch.zeros(256, dtype=torch.long),
    }
    written = set(sys.modules)
    try:
        for text in runnable(page):
            exec(compile(text, name_of(page), "exec"), names)
    finally:
        torch.default_generator.set_state(before)  # the pages draw from it, as they say
        for module in set(sys.modules) - written:
            if (tmp_path / f"{module}.py").exists():
                del sys.modules[module]


def overrides_of(command: str) -> tuple[list[str], list[str]]:
    """(overrides, --config-dir) of a command line, the first value of each sweep."""
    words = shlex.split(command)[3:]
    extra = []
    if "--config-dir" in words:
        place = words.index("--config-dir")
        extra = words[place + 1 : place + 2]
        del words[place : place + 2]
    words = [word for word in words if word not in ("-m", "--help")]
    single = []
    for override in OverridesParser.create().parse_overrides(words):
        if override.is_sweep_override():
            first = next(iter(override.sweep_string_iterator()))
            single.append(f"{override.get_key_element()}={first}")
        else:
            single.append(override.input_line or "")
    return single, extra


COMMANDS = [
    pytest.param(page, command, id=f"{name_of(page)}: {command.removeprefix('python -m ')}")
    for page in PAGES
    for command in commands(page)
    if command.startswith("python -m cdfis_bench")
]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_the_overrides_of_every_command_compose(page, command, tmp_path):
    write_files(page, tmp_path)
    overrides, extra = overrides_of(command)
    search = [f"hydra.searchpath=[{', '.join(str(tmp_path / folder) for folder in extra)}]"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        if command == MISTAKE:
            with pytest.raises(HydraException, match="cdff"):
                compose("config", overrides)
            return
        cfg = compose("config", [*overrides, *(search if extra else [])], return_hydra_config=True)
    assert cfg.name


def test_every_other_command_is_one_that_is_covered_elsewhere():
    for page in PAGES:
        for line in commands(page):
            for command in re.split(r"\s+&&\s+", line):
                known = (*NOT_RUN, "python -m cdfis_bench", "pytest", "source .venv", "pre-commit")
                assert command.startswith(known), f"{page}: {command}"


@pytest.mark.slow
def test_the_parts_of_your_own_method_run_from_the_command_line(tmp_path):
    page = ROOT / "docs" / "your_own_method.md"
    write_files(page, tmp_path)
    own = [line for line in commands(page) if line.startswith("python -m cdfis_bench --config-dir")]
    for command in own:
        result = cdfis(tmp_path, *shlex.split(command)[3:], *TINY, "threshold=always")
        assert result.returncode == 0, result.stdout + result.stderr
    made = " ".join(run.name for run in runs(tmp_path))
    for method in ("loss_stratified", "doubt_topk", "doubt_stratified", "loss_softmax_unbiased"):
        assert method in made


@pytest.mark.slow
def test_the_sweep_of_the_readme_runs(tmp_path):
    (command,) = [line for line in commands(ROOT / "README.md") if "selector=cdf,topk" in line]
    result = cdfis(tmp_path, *shlex.split(command)[3:], *TINY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(runs(tmp_path)) == 10


def test_the_mistake_of_getting_started_is_answered_as_shown(tmp_path):
    text = (ROOT / "docs" / "getting_started.md").read_text()
    shown = re.search(rf"^{MISTAKE}\n# (.*)$", text, re.MULTILINE)
    assert shown
    result = cdfis(tmp_path, *shlex.split(MISTAKE)[3:])
    assert result.stderr.strip() == shown[1]


def test_the_table_of_methods_is_current():
    result = subprocess.run(
        [sys.executable, "scripts/make_methods_table.py", "--check"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    assert importlib.util.find_spec("mkdocs"), "the extra `test` brings mkdocs"
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    home = (tmp_path / "site" / "index.html").read_text()
    loaded = re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(https?://[^"]+)"', home)
    assert not loaded, f"the site loads from other hosts: {loaded}"


def test_links_of_the_readme_point_to_files():
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (ROOT / target.split("#")[0]).exists(), f"{page.name}: {target}"
