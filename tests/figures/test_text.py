"""Texts of users and records are drawn as they are written, and fit."""

from pathlib import Path

import matplotlib.pyplot
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from cdfis_bench.figures.curves import Curves
from cdfis_bench.figures.legend import legend_size
from cdfis_bench.figures.patterns import Patterns
from cdfis_bench.figures.pruning import PruningFigure
from cdfis_bench.figures.ranking import Ranking
from cdfis_bench.figures.single import draw_single
from cdfis_bench.figures.style import style_context
from cdfis_bench.figures.text import entry, one_line, wrapped
from tests.analysis.fabricate import experiment, patterns, run
from tests.figures.test_pruning import kept

MARKUP = [
    "$x^2$ costs $5 and \\frac{ more",
    "_a_ ^b^ <b>bold</b> &amp; \N{FIRE} \u4e2d\u6587",
    "one\ntwo\ttabs\x1b[2J and it is very long " + "very long " * 60,
    "unbroken" * 60,
]


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved, for a look at their texts."""
    saved = []

    def savefig(figure: Figure, file: Path, **options: object) -> None:
        if options["format"] == "png":
            FigureCanvasAgg(figure).draw()
            saved.append(figure)
        file.write_bytes(b"")

    monkeypatch.setattr(Figure, "savefig", savefig)
    return saved


def inside(figure: Figure, text: Text) -> bool:
    with style_context():
        box = text.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    return box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1


@pytest.mark.parametrize("markup", MARKUP)
def test_titles_are_drawn_literally_and_inside(tmp_path, figures, markup):
    runs = [
        run(tmp_path, method, s, arrays=patterns((0, 50)), method_title=markup)
        for method in ("uniform", "loss_cdf")
        for s in (0, 1)
    ]
    for kind in (Curves, Ranking, Patterns):
        kind(title=markup).draw(experiment(*runs), tmp_path / kind.__name__)
    draw_single(runs[0])
    pruned = [r for by in ("random", "top_el2n") for r in kept(tmp_path, by, 0.2, "steps", 0.7)]
    PruningFigure(title=markup).draw(experiment(*pruned), tmp_path / "pruned")
    assert len(figures) == 5
    for figure in figures:
        title = figure._suptitle
        assert not title.get_parse_math() and inside(figure, title)
        begin = one_line(markup)[:8]
        assert figure in figures and (
            begin in title.get_text() or "Two Circles" in title.get_text()
        )
        assert all(inside(figure, text) for legend in figure.legends for text in legend.texts)
    assert matplotlib.pyplot.get_fignums() == []


def test_a_legend_of_many_arms_fits_and_leaves_none_out(tmp_path, figures):
    methods = ["uniform", *(f"_method_{number}" for number in range(24))]
    runs = [
        run(tmp_path, method, gate=None if number % 5 == 0 else 50)
        for number, method in enumerate(methods)
    ]
    Curves(title="many " * 30).draw(experiment(*runs), tmp_path / "out")
    figure = figures[0]
    (legend,) = figure.legends
    with style_context():
        renderer = FigureCanvasAgg(figure).get_renderer()
        box, title = (
            legend.get_window_extent(renderer),
            figure._suptitle.get_window_extent(renderer),
        )
        panels = [panel.get_window_extent(renderer) for panel in figure.axes]
    assert len(legend.texts) == 25
    assert box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1
    assert title.x1 <= box.x0, "the title ends before the legend"
    assert all(panel.x1 <= box.x0 and panel.width > 300 for panel in panels)
    entries = [text.get_text() for text in legend.texts]
    assert sum("gate never opened" in text for text in entries) == 4, "not of uniform sampling"


def test_the_title_of_the_pruning_figure_ends_before_its_legend(tmp_path, figures):
    PruningFigure(title="a title " * 9).draw(
        experiment(*kept(tmp_path, "random", 0.2, "steps", 0.7)), tmp_path / "out"
    )
    with style_context():
        renderer = FigureCanvasAgg(figures[0]).get_renderer()
        title = figures[0]._suptitle.get_window_extent(renderer)
        assert title.x1 <= figures[0].legends[0].get_window_extent(renderer).x0


@pytest.mark.parametrize(
    ("seeds", "said", "bands"), [(1, "no interval", 0), (2, "too few", 0), (3, "95 %", 2)]
)
def test_no_band_is_drawn_from_one_or_two_seeds(tmp_path, figures, seeds, said, bands):
    Curves().draw(experiment(*(run(tmp_path, seed=s) for s in range(seeds))), tmp_path / "out")
    assert said in figures[0]._supxlabel.get_text()
    assert sum(len(panel.collections) for panel in figures[0].axes) == bands


@pytest.mark.parametrize(
    "accuracy",
    [
        (1e308, -1e308, 0.0),
        (1e300, 1e301, 1e302),
        (1e-300, 0, 0),
        (float("nan"),) * 3,
        (0.5, float("inf"), 0.6),
    ],
)
def test_huge_tiny_and_unknown_values_are_drawn_or_said(tmp_path, figures, accuracy):
    runs = [run(tmp_path, seed=s, accuracy=accuracy) for s in (0, 1, 2)]
    Curves().draw(experiment(*runs), tmp_path / "out")
    for panel in figures[0].axes:
        assert panel.lines or panel.texts[0].get_text() == "no values to draw"


def test_wrapping_keeps_the_beginning_and_marks_what_is_left_out():
    assert wrapped("a b\n c", 40, 2) == "a b c"
    assert wrapped("word " * 20, 10, 2) == "word word\nword wor…" or wrapped(
        "word " * 20, 10, 2
    ).endswith("…")
    assert len(wrapped("x" * 500, 20, 3).split("\n")) == 3
    assert one_line("a\x1b[31m\r\nb") == "a [31m b"
    assert entry("_hidden")[1:] == "_hidden" and entry("shown") == "shown"


def test_more_entries_get_further_columns():
    few, many = legend_size(["a"] * 5, 3.6), legend_size(["a\nb"] * 60, 3.6)
    assert few.columns == 1 and many.columns >= 4 and many.height < 5
