"""AlgoPerf's performance profiles: the methods over the datasets of several experiments."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import UNIFORM, Arm, arms_of, at_compared_budgets
from cdfis_bench.analysis.experiment import Experiment, load_experiment
from cdfis_bench.analysis.order_statistics import median_interval
from cdfis_bench.analysis.performance_profile import MAX_RATIO, profile, ratios, score
from cdfis_bench.analysis.provenance import data_text
from cdfis_bench.analysis.target import Targets, dataset_name
from cdfis_bench.analysis.time_to_target import COSTS, seed_table
from cdfis_bench.core.errors import UserError, require, require_choice, require_number
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import put_caption
from cdfis_bench.figures.colours import arm_colours
from cdfis_bench.figures.legend import legend_size, put_legend
from cdfis_bench.figures.lines import legend_handle
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import BASELINE_DASHES, style_context
from cdfis_bench.figures.text import entry, put_title
from cdfis_bench.figures.time_to_target import require_one_hardware
from cdfis_bench.records.paths import one_component


class PerformanceProfile(ExperimentFigure):
    """The fraction of workloads on which a method is within a factor of the fastest one.

    A workload is a dataset of an experiment. The cost of a method on it is the median over seeds of
    the cost to the target, infinite if it is "never". The CSV has a row per method and workload.

    Args:
        experiments: Names of stored experiments; None for the one that is drawn.
        x: seconds, steps or forward_equivalents.
        target: Accuracy to reach on every dataset; None for that of each.
        of: validation or test; None for that of each dataset.
        max_ratio: Largest factor that is drawn and counts for the score.
        title: Title of the figure; the experiment's name if None.
        allow_mixed: Whether x=seconds may mix runs from different hardware in one experiment.
        results_dir: The store of runs, which holds the experiments.
        of_datasets: The target of each dataset by its name.

    Raises:
        UserError: If a value cannot work.

    Source: Dahl et al. 2023, "Benchmarking Neural Network Training Algorithms".
    """

    def __init__(
        self,
        experiments: Sequence[str] | None = None,
        x: str = "forward_equivalents",
        target: float | None = None,
        of: str | None = None,
        max_ratio: float = MAX_RATIO,
        title: str | None = None,
        allow_mixed: bool = False,
        results_dir: str = "results",
        of_datasets: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        listed = [experiments] if isinstance(experiments, str) else list(experiments or [])
        self.experiments = [one_component("figure.experiments", name) for name in listed]
        require(
            len(set(listed)) == len(listed),
            f"figure.experiments={listed} names an experiment twice; a dataset counts once",
        )
        self.x = require_choice("figure.x", x, tuple(COSTS))
        self.targets = Targets(target, of, of_datasets)
        self.max_ratio = require_number("figure.max_ratio", max_ratio, 1, 1e6, open_low=True)
        self.title = title
        self.allow_mixed = allow_mixed
        self.results_dir = Path(results_dir)

    def check_dataset(self, dataset: Mapping[str, Any]) -> None:
        """Refuses a sweep on a dataset without the target, before it starts."""
        self.targets.check_planned(dataset)

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """See ExperimentFigure.draw.

        Draws `experiment` if no experiments are named. Raises UserError if an experiment has no
        finished run, a dataset no target, or the experiments have no two methods in common.
        """
        named = [load_experiment(self.results_dir, name) for name in self.experiments]
        used = named or [experiment]
        rows: list[dict[str, Any]] = []
        arms: dict[str, Arm] = {}
        about: dict[str, Any] = {}
        for one in used:
            one.require_runs()
            require_one_hardware(one, self.x, self.allow_mixed)
            of_one = arms_of(one.runs)
            about[one.name] = about_runs(one, of_one)
            for name in dict.fromkeys(dataset_name(run) for run in one.runs):
                rows += self._workload(one, name, arms)
        table = pd.DataFrame(rows)
        costs = table.pivot(index="workload", columns="method", values="cost")
        common = [method for method in arms if costs[method].notna().all()]
        require(
            len(common) > 1,
            f"{', '.join(one.name for one in used)} have fewer than two methods in common; a "
            "profile compares methods that were run on every dataset",
        )
        found = ratios(costs[common])
        scores = {m: score(found[m].tolist(), self.max_ratio) for m in common}
        common.sort(key=lambda method: -scores[method])
        drawn = table[table["method"].isin(common)].assign(
            ratio=lambda t: [
                found.loc[w, m] for w, m in zip(t["workload"], t["method"], strict=True)
            ],
            score=lambda t: t["method"].map(scores),
        )
        left_out = [method for method in arms if method not in common]
        said = {"experiments": about, "x": self.x, "max_ratio": self.max_ratio}
        said |= {"scores": {m: scores[m] for m in common}, "left_out": left_out}
        with style_context():
            figure = self._figure(experiment, used, arms, found[common], scores, left_out)
            return save(figure, folder, Path(experiment.name).name, drawn, said)

    def _workload(
        self, experiment: Experiment, dataset: str, arms: dict[str, Arm]
    ) -> list[dict[str, Any]]:
        """The median cost of every method on a dataset; adds to `arms` one arm per method."""
        runs = [run for run in experiment.runs if dataset_name(run) == dataset]
        target = self.targets.of_runs(runs)
        of_workload = at_compared_budgets(arms_of(runs))
        seeds = seed_table(of_workload, target, self.x)
        rows = []
        for arm in of_workload:
            if any(row["method"] == arm.method for row in rows):
                raise UserError(
                    f"{experiment.name} has several arms of method {arm.method} on {dataset}; a "
                    "profile needs one per method"
                )
            arms.setdefault(arm.method, arm)
            own = seeds[seeds["label"] == arm.label]
            rows.append(
                {
                    "workload": f"{experiment.name}: {dataset}",
                    "method": arm.method,
                    "target": target.accuracy,
                    "of": target.of,
                    "seeds": len(own),
                    "never": int((~own["reached"]).sum()),
                    "cost": median_interval(own["cost"].tolist())[0],
                }
            )
        return rows

    def _figure(
        self,
        experiment: Experiment,
        used: Sequence[Experiment],
        arms: Mapping[str, Arm],
        found: pd.DataFrame,
        scores: Mapping[str, float],
        left_out: Sequence[str],
    ) -> Figure:
        methods = [str(method) for method in found]
        shown = [arms[method] for method in methods]
        colours = arm_colours(shown, "method", UNIFORM)
        entries = [f"{entry(arms[m].title)}\nscore {scores[m]:.2f}" for m in methods]
        legend = legend_size(entries, 3.6)
        height = max(3.6, legend.height)
        figure = Figure(figsize=(4.6 + legend.width, height), layout="constrained")
        panel = figure.subplots()
        handles = []
        for place, method in enumerate(methods):
            ratio = found[method].to_numpy(float)
            inside = np.unique(ratio[(ratio > 1) & (ratio < self.max_ratio)])
            taus = [1.0, *inside.tolist(), self.max_ratio]
            colour = colours[arms[method].label]
            dashes = BASELINE_DASHES if method == UNIFORM else ""
            # Equal profiles lie on each other: a small step lets all of them be seen.
            lift = 0.006 * (place - (len(methods) - 1) / 2)
            heights = profile(ratio.tolist(), taus) + lift
            (line,) = panel.step(taus, heights, where="post", color=colour, lw=1.6)
            if dashes:
                line.set_dashes(dashes)
            handles.append(legend_handle(colour, dashes))
        panel.set(
            xlim=(1, self.max_ratio),
            ylim=(-0.04 - 0.003 * len(methods), 1.04 + 0.003 * len(methods)),
            xlabel="cost to the target / that of the fastest method",
            ylabel="fraction of datasets",
        )
        put_legend(figure, handles, entries, "method", legend)
        put_title(figure, self.title or experiment.name, legend.width)
        nobody = [str(w) for w in found.index if np.isinf(found.loc[w]).all()]
        missing = sum(len(one.missing) for one in used)
        many = len(found)
        parts = [
            f"{many} dataset{'' if many == 1 else 's'}: "
            + data_text([run for one in used for run in one.runs]),
            f"cost: {COSTS[self.x]}, median over seeds; score: area under the profile up to "
            f"a factor of {self.max_ratio:g} (AlgoPerf)",
            "lines are set apart a little where they would lie on each other",
        ]
        parts += [f"no method reached the target on {', '.join(nobody)}"] if nobody else []
        parts += [f"not on every dataset, left out: {', '.join(left_out)}"] if left_out else []
        parts += [f"{missing} runs are MISSING"] if missing else []
        put_caption(figure, parts)
        return figure
