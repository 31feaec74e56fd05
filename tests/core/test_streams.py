"""Streams: repeatable, unrelated, and lent without touching the global generator."""

import torch

from cdfis_bench.core.streams import drawing_from, run_streams, stream


def draws(generator):
    return torch.rand(8, generator=generator).tolist()


def test_a_stream_depends_on_seed_and_name_alone():
    assert draws(stream(0, "order")) == draws(stream(0, "order"))
    others = [draws(stream(1, "order")), draws(stream(0, "select")), draws(stream(0, "order"))]
    assert others[0] != others[1] != others[2]


def test_streams_of_a_run_differ():
    streams = run_streams(0, torch.device("cpu"))
    seen = [draws(g) for g in (streams.init, streams.order, streams.select, streams.noise)]
    assert len({tuple(values) for values in seen}) == 4


def test_drawing_from_continues_the_stream_and_restores_the_global_generator():
    before = torch.default_generator.get_state()
    lent, plain = stream(0, "noise"), stream(0, "noise")
    with drawing_from(lent):
        first = torch.rand(3)
    with drawing_from(lent):
        second = torch.rand(3)
    assert torch.equal(
        torch.cat([first, second]), torch.cat([torch.rand(3, generator=plain) for _ in range(2)])
    )
    assert torch.equal(torch.default_generator.get_state(), before)


def test_the_global_generator_is_restored_after_an_error():
    before = torch.default_generator.get_state()
    try:
        with drawing_from(stream(0, "noise")):
            torch.rand(3)
            raise KeyError
    except KeyError:
        pass
    assert torch.equal(torch.default_generator.get_state(), before)
