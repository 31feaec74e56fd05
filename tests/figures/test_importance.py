"""Figure 4 shows the very samples that the table names, from the very data of the runs."""

import json

import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest

from cdfis_bench.analysis.arms import arms_of
from cdfis_bench.config.stored_data import StoredGallery
from cdfis_bench.core.errors import UserError
from cdfis_bench.datasets.arrays import Arrays
from cdfis_bench.figures.importance import figure as module
from cdfis_bench.figures.importance.figure import ImportanceFigure, chosen_arm
from cdfis_bench.figures.importance.grid import draw_grid, montage
from tests.analysis.fabricate import experiment, run, usage
from tests.datasets.made_files import make_arrays

N = 60
TARGETS = {"arrays": "arrays.Arrays", "two_circles": "two_circles.TwoCircles"}


def dataset(name, **values):
    return {"name": name, "_target_": f"cdfis_bench.datasets.{TARGETS[name]}", **values}


def images(path, n=N, offset=0):
    """A file whose training image i has the value i + offset in every pixel, of class i % 2."""
    x = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None] + offset, (n, 6, 5, 3))
    y = np.arange(n) % 2
    return make_arrays(path, x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])


def image_runs(results, path, seeds=(0, 1), **more):
    """Runs in which sample i was selected i times of 80 offers, and predicted as class 0."""
    config = dataset("arrays", path=str(path), classes=2)
    values = {
        "arrays": usage(range(N), [80] * N, [0] * N),
        "fingerprint": Arrays(str(path), 2).fingerprint(),
        "dataset": config,
    }
    return [run(results, seed=seed, **(values | more)) for seed in seeds]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """(folder, runs, what draw_grid was given: pictures, texts, wrong of either end)."""
    folder = tmp_path_factory.mktemp("drawn")
    given = []

    def spy(panel, pictures, texts, wrong, columns):
        given.append((pictures, texts, wrong))
        draw_grid(panel, pictures, texts, wrong, columns)

    runs = image_runs(folder, images(folder / "mine.npz"))
    figure = ImportanceFigure(StoredGallery(), samples=4, class_names=["even", "odd"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "draw_grid", spy)
        figure.draw(experiment(*runs), folder / "out")
    return folder / "out", runs, given


def test_the_pictures_are_the_rows_that_the_ranking_names(drawn):
    """The authors' code numbers a subset, and shows the pictures of the whole set by it."""
    _, _, ((most, most_texts, wrong), (least, least_texts, _)) = drawn
    assert [picture.min() for picture in most] == [picture.max() for picture in most]
    assert [int(picture[0, 0, 0]) for picture in most] == [59, 58, 57, 56]
    assert [int(picture[0, 0, 0]) for picture in least] == [0, 1, 2, 3]
    assert most_texts[0] == "#59  0.72\nlabel odd\npredicted even"  # (59 + 5 m) / 85, m = 0.37
    assert least_texts[1].startswith("#1  0.03\nlabel odd")
    assert wrong == [True, False, True, False]


def test_the_csv_has_a_row_per_training_sample_and_the_json_says_the_rest(drawn):
    folder, runs, _ = drawn
    assert {path.name for path in folder.iterdir()} == {
        f"sweep.{end}" for end in ("png", "pdf", "csv", "json")
    }
    assert all(path.stat().st_size > 100 for path in folder.iterdir())
    assert matplotlib.pyplot.get_fignums() == []
    table = pd.read_csv(folder / "sweep.csv")
    assert table["index"].tolist() == [*range(N)] and table["label"].tolist() == [0, 1] * (N // 2)
    assert table["rank"].tolist() == [*range(N, 0, -1)]
    assert table["selected"].tolist() == [2 * i for i in range(N)]
    about = json.loads((folder / "sweep.json").read_text())
    assert about["runs"]["loss_cdf"] == {r.name: r.record.id for r in runs}
    said = about["importance"]
    assert said["rank_correlation"]["mean"] == pytest.approx(1)
    assert sum(said["histogram"]["samples"]) == N
    assert said["classes"]["selected"] == pytest.approx([29 / 59, 30 / 59])


def test_data_that_moved_is_found_in_its_new_place_and_other_data_is_refused(tmp_path):
    path = images(tmp_path / "mine.npz")
    runs = image_runs(tmp_path, path)
    moved = path.rename(tmp_path / "moved.npz")
    with pytest.raises(UserError, match=r"mine\.npz is not there.*with dataset\.path="):
        ImportanceFigure(StoredGallery()).draw(experiment(*runs), tmp_path / "out")
    images(path, offset=1)
    with pytest.raises(UserError, match=r"mine\.npz holds other data \(") as caught:
        ImportanceFigure(StoredGallery()).draw(experiment(*runs), tmp_path / "out")
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()
    found = StoredGallery(path=str(moved))(runs[0])
    assert [int(found.picture(row).max()) for row in (0, 17, 59)] == [0, 17, 59]


def test_a_run_that_did_not_record_its_data_is_refused(tmp_path):
    runs = image_runs(tmp_path, images(tmp_path / "mine.npz"), fingerprint=None)
    with pytest.raises(UserError, match="did not record which data it used"):
        ImportanceFigure(StoredGallery()).draw(experiment(*runs), tmp_path / "out")


def test_points_of_a_plane_are_drawn_where_they_lie(tmp_path):
    data = dataset("two_circles", train_size=N, test_size=9)
    runs = [run(tmp_path, seed=s, dataset=data, arrays=usage(range(N), [80] * N)) for s in (0, 1)]
    ImportanceFigure(StoredGallery()).draw(experiment(*runs), tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "sweep.csv")) == N


def test_vectors_are_no_pictures_and_one_seed_has_no_correlation(tmp_path):
    x, y = np.zeros((N, 5), np.float32), np.arange(N) % 2
    path = make_arrays(tmp_path / "v.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    runs = image_runs(tmp_path, path, seeds=(3,))
    ImportanceFigure(StoredGallery(), samples=30).draw(experiment(*runs), tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "sweep.csv")) == N
    text = (tmp_path / "out" / "sweep.json").read_text()
    assert "NaN" not in text, "JSON has none"
    assert json.loads(text)["importance"]["rank_correlation"]["mean"] is None


def test_the_arm_is_loss_cdf_or_the_first_that_selects_or_the_one_named(tmp_path):
    uniform = run(tmp_path, "uniform", gate=None)
    topk, cdf = run(tmp_path, "loss_topk"), run(tmp_path, "loss_cdf")
    assert chosen_arm(arms_of([uniform, topk, cdf]), None).label == "loss_cdf"
    assert chosen_arm(arms_of([uniform, topk]), None).label == "loss_topk"
    assert chosen_arm(arms_of([uniform, topk, cdf]), "loss_topk").label == "loss_topk"
    with pytest.raises(
        UserError, match="loss is not an arm of these runs; choose from: uniform, loss"
    ):
        chosen_arm(arms_of([uniform, topk]), "loss")
    other = run(tmp_path, "loss_cdf", arm="b", threshold__fraction=0.5)
    arms = arms_of([cdf, other])
    with pytest.raises(UserError, match="several arms; give the full label of one: loss_cdf, fra"):
        chosen_arm(arms, "loss_cdf")
    assert chosen_arm(arms, arms[1].label) is arms[1]


def test_values_that_cannot_work_are_refused_when_the_figure_is_made(tmp_path):
    for values, message in (
        ({"samples": 0}, r"figure\.samples=0"),
        ({"prior_offers": -1}, r"figure\.prior_offers=-1"),
    ):
        with pytest.raises(UserError, match=message):
            ImportanceFigure(StoredGallery(), **values)
    runs = image_runs(tmp_path, images(tmp_path / "mine.npz"))
    with pytest.raises(UserError, match="names 3 classes, the data has 2"):
        ImportanceFigure(StoredGallery(), class_names=["a", "b", "c"]).draw(
            experiment(*runs), tmp_path
        )
    with pytest.raises(UserError, match="no run is finished"):
        ImportanceFigure(StoredGallery()).draw(experiment(), tmp_path)


def test_a_montage_has_its_pictures_in_reading_order_grey_or_coloured():
    grey = [np.full((4, 3, 1), value, np.uint8) for value in (10, 20, 30)]
    sheet = montage(grey, columns=2)
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 2
    assert (sheet[:4, :3] == 10).all() and (sheet[:4, width : width + 3] == 20).all()
    assert (sheet[height : height + 4, :3] == 30).all() and (sheet[4:height] == 255).all()
    colour = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
    assert (montage([colour], 1)[:2, :2] == colour).all()
