"""The typed configuration says what the composed one says, and refuses what it does not know."""

import copy

import pytest

from cdfis_bench.config.schema import KeepBy, ScoringMode, read_config
from cdfis_bench.core.errors import UserError
from tests.engine.small import configured, resolved


def test_root_values_are_typed_and_groups_are_plain():
    config = configured("keep.by=top_el2n", "scoring_mode=train", "tracker=wandb")
    assert config.keep.by is KeepBy.top_el2n and config.keep.fraction == 1.0
    assert config.scoring_mode is ScoringMode.train
    assert config.budget.steps == 40 and config.budget.train_seconds is None
    assert config.tracker["mode"] == "offline", "an option's values are plain, enums too"
    assert type(config.selector) is dict


def test_a_group_takes_values_that_no_schema_knows():
    assert configured("+selector.temperature=2").selector["temperature"] == 2


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["seed"], "many", "seed: Value 'many'"),
        (["keep", "by"], "chance", "keep.by: Invalid value 'chance'"),
        (["keep", "fractions"], 1, "fractions"),
        (["scheduler"], "cosine", "the key scheduler is not known"),
        (["kernel"], "plain", "the key kernel was renamed; use backend=..."),
        (["selectr"], {}, "the key selectr is not known; did you mean selector"),
    ],
)
def test_unknown_keys_and_wrong_types_are_refused_in_one_sentence(path, value, message):
    values = copy.deepcopy(resolved())
    node = values
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises(UserError, match=message) as caught:
        read_config(values)
    assert "\n" not in str(caught.value)


def test_a_missing_value_is_named():
    values = resolved()
    del values["batch_size"]
    with pytest.raises(UserError, match="batch_size"):
        read_config(values)
