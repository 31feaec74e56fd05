"""Writes the table of methods into docs/methods.md, from the presets in conf/method/.

    python scripts/make_methods_table.py [--check]

`--check` writes nothing and exits with code 1 if the page is not current. Parts come from each
preset's composed configuration, costs and bias follow from the parts, and the texts are the
comments at the head of each YAML file.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import get_class
from omegaconf import DictConfig

import cdfis_bench.config.schema  # noqa: F401  (registers the schema and the resolvers)
from cdfis_bench.config.where import conf_dir

PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods.md"
BEGIN, END = "<!-- methods: begin -->", "<!-- methods: end -->"
PARTS = ("source", "metric", "selector", "weighting", "threshold")
STARTS = {
    "always": "first step",
    "never": "",
    "loss_ratio": "loss ratio",
    "test_loss_ratio": "test loss ratio",
    "variance_reduction": "tau, both ways",
    "warmup": "after an epoch",
    "window": "50 to 90 % of the budget",
}


def header(path: Path) -> str:
    """The comment at the head of a preset, as one paragraph."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        if "@package" not in line:
            lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


def title(preset: dict[str, Any]) -> str:
    """The preset's legend title; empty if it has none."""
    for node in (preset, *(value for value in preset.values() if isinstance(value, dict))):
        if isinstance(node.get("title"), str):
            return node["title"]
    return ""


def composed(name: str) -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("config", [f"method={name}"])


def cost(config: DictConfig) -> str:
    """Forward (F) and backward (B) passes of one step with the gate open."""
    trained = "N (F + B)"
    if not get_class(config.selector._target_).uses_scores:
        return trained
    metric = get_class(config.metric._target_)
    passes = metric.forward_passes * ["F"] + metric.backward_passes * ["B"]
    if not passes or config.source.name in ("dataset", "epoch_subset"):
        return trained
    scored = passes[0] if len(passes) == 1 else f"({' + '.join(passes)})"
    if runs := config.metric.get("amortize"):  # holdout models
        before = "holdout models" if runs == 1 else f"holdout models / {runs}"
        trained = f"{trained}; before the run {before}"
    candidates = "about 4 N" if config.source.name == "queue" else "K"
    return f"{candidates} {scored} + {trained}"


def biased(config: DictConfig) -> str:
    """Whether the expected gradient differs from uniform sampling's."""
    from_dataset = config.source.name == "dataset"
    informed = from_dataset or get_class(config.selector._target_).uses_scores
    meaningful = config.metric.name != "random"
    return "yes" if informed and meaningful and config.weighting.name == "none" else "no"


def rows() -> list[str]:
    """The lines of the table, header first."""
    lines = [
        "| preset | source | metric | selector | weighting | starts | cost of a step | biased |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for path in sorted((conf_dir() / "method").glob("*.yaml")):
        config = composed(path.stem)
        source, metric, selector, weighting, threshold = (config[part].name for part in PARTS)
        cells = [
            f"[`{path.stem}`](#{path.stem})",
            "" if source == "presample" else source,
            metric if get_class(config.selector._target_).uses_scores else "",
            selector,
            "" if weighting == "none" else weighting,
            STARTS.get(threshold, threshold),
            cost(config),
            biased(config),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def descriptions() -> list[str]:
    """One entry per preset: its title and the text at its head."""
    lines = []
    for path in sorted((conf_dir() / "method").glob("*.yaml")):
        text = header(path).replace("<", "&lt;")
        text = re.sub(r"\b(github\.com/\S+?)(?=[,)\s])", r"<https://\1>", text)
        legend = title(yaml.safe_load(path.read_text()))
        lines += [f"### {path.stem} {{ #{path.stem} }}", ""]
        lines += [f"*{legend}*", ""] if legend else []
        lines += [text, ""]
    return lines


def page(text: str) -> str:
    """The page with a new table between its two marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    made = "\n".join([BEGIN, "", *rows(), "", "## Each preset", "", *descriptions(), END])
    return before + made + after


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    check = parser.parse_args().check
    text = PAGE.read_text()
    new = page(text)
    if check:
        if text != new:
            print("docs/methods.md is not current: python scripts/make_methods_table.py")
        return int(text != new)
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
