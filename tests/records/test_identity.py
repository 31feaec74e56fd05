"""The id changes when, and only when, something changes that decides a run's numbers."""

import copy

import pytest

from cdfis_bench.records.identity import IGNORED_KEYS, arm_id, run_name
from tests.engine.small import resolved


@pytest.fixture(scope="module")
def config():
    return resolved("keep.fraction=0.5")  # how it is chosen counts for a part only


def leaves(node, path=()):
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def changed(config, path):
    other = copy.deepcopy(config)
    node = other
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = "something else"
    return other


def test_every_key_counts_but_those_that_are_ignored(config):
    here = arm_id(config, "cpu")
    for path in leaves(config):
        dotted = ".".join(path)
        ignored = any(dotted == key or dotted.startswith(key + ".") for key in IGNORED_KEYS)
        if path == ("device", "name"):
            continue  # replaced by the type of the device that is used
        assert (arm_id(changed(config, path), "cpu") == here) == ignored, dotted


@pytest.mark.parametrize(
    ("one", "same"),
    [(1, 1.0), (0, 0.0), (0.0, -0.0), ([1, 2.0], (1.0, 2)), ({"a": [3]}, {"a": [3.0]})],
)
def test_equal_numbers_are_one_arm(config, one, same):
    ids = []
    for value in (one, same):
        other = copy.deepcopy(config)
        other["threshold"]["fraction"] = value
        ids.append(arm_id(other, "cpu"))
    assert ids[0] == ids[1]


def test_values_that_are_equal_in_python_only_are_two_arms(config):
    ids = set()
    for value in (1, True, "1", None, 1.5, [1]):
        other = copy.deepcopy(config)
        other["threshold"]["fraction"] = value
        ids.add(arm_id(other, "cpu"))
    assert len(ids) == 6


def test_the_command_line_gives_one_arm_for_equal_numbers():
    same = [
        ("threshold.fraction=1", "threshold.fraction=1.0"),
        ("optimizer.lr=1", "optimizer.lr=1e0"),
    ]
    for one, other in [*same, ("seed=1", "seed=01")]:
        a, b = resolved(one), resolved(other)
        assert run_name(a, arm_id(a, "cpu")) == run_name(b, arm_id(b, "cpu"))


def test_the_device_that_is_used_counts(config):
    assert arm_id(config, "cpu") != arm_id(config, "cuda")
    named = copy.deepcopy(config)
    named["device"]["name"] = "cpu"
    assert arm_id(named, "cpu") == arm_id(config, "cpu")


def test_order_of_keys_does_not_count(config):
    assert arm_id(dict(reversed(config.items())), "cpu") == arm_id(config, "cpu")


def test_the_id_leaves_the_configuration_alone(config):
    before = copy.deepcopy(config)
    arm_id(config, "cpu")
    assert config == before


def test_seeds_share_an_arm_and_have_their_own_folder():
    one, two = resolved("seed=1"), resolved("seed=2")
    assert arm_id(one, "cpu") == arm_id(two, "cpu")
    assert run_name(one, "abc") == "two_circles-loss_cdf-s1-abc"
    assert run_name(two, "abc") != run_name(one, "abc")


def test_the_datas_fingerprint_counts(config):
    assert arm_id(config, "cpu", "abc") != arm_id(config, "cpu") != arm_id(config, "cpu", "xyz")


def test_an_option_without_effect_does_not_change_the_identity():
    without = resolved("method=infobatch")
    assert without["source"].pop("cut_short") is False
    assert arm_id(without, "cpu") == arm_id(resolved("method=infobatch"), "cpu")
    assert arm_id(without, "cpu") != arm_id(
        resolved("method=infobatch", "source.cut_short=true"), "cpu"
    )
