"""What a notebook shows of a figure."""

from cdfis_bench.figures.curves import Curves
from cdfis_bench.figures.notebook import Shown, show
from cdfis_bench.figures.patterns import Patterns
from tests.analysis.fabricate import experiment, run


def test_a_figure_is_shown_as_its_picture_and_one_that_cannot_be_drawn_as_a_sentence(tmp_path):
    runs = experiment(run(tmp_path))
    drawn = show(Curves(y=["test_accuracy"]), runs, tmp_path / "out")
    assert drawn._repr_png_() == (tmp_path / "out" / "sweep.png").read_bytes()
    assert drawn._repr_markdown_() is None
    not_drawn = show(Patterns(), runs, tmp_path / "out")
    assert not_drawn._repr_png_() is None
    assert "recorded no sampling patterns" in not_drawn._repr_markdown_()


def test_the_text_beside_a_picture_does_not_repeat_its_bytes():
    assert "PNG" not in repr(Shown(b"\x89PNG" * 1000)) and len(repr(Shown(b"\x89PNG"))) < 80
