"""What every method must do, in one table: a new file in methods/ is a new row."""

import contextlib
import functools
import json
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from flexae_tf.algorithm.conditional import ConditionalModel
from flexae_tf.errors import UserError
from flexae_tf.networks.precision import PRECISIONS
from flexae_tf.runs import RunDirectory
from tests import tiny

CASES = [
    *tiny.METHODS,
    *[pytest.param(case, marks=pytest.mark.slow) for case in tiny.VARIATIONS],
]

# Beside these `tests/networks/test_precision` and `tests/algorithm/test_loss_scale` run everywhere.
QUICK_IN_MIXED = (("vae", "mixed_float16"),)
MIXED = [
    pytest.param(
        (case, precision),
        marks=[] if (case, precision) in QUICK_IN_MIXED else pytest.mark.slow,
        id=f"{case}-{precision}",
    )
    for case in tiny.CASES
    for precision in PRECISIONS[1:]
]


@pytest.fixture(scope="module", params=[*tiny.rows(tiny.CASES), *MIXED])
def trained(request, tmp_path_factory):
    """Name, trainer after five iterations, run directory and weights before training."""
    is_mixed = isinstance(request.param, tuple)
    name, precision = request.param if is_mixed else (request.param, "float32")
    run = RunDirectory(tmp_path_factory.mktemp("run"))
    run.create()
    trainer = tiny.trainer(
        name, run, precision=precision, checkpoint_every_steps=1, keep_checkpoints=5
    )
    before = tiny.weights(trainer.method)
    trainer.train()
    return name, trainer, run, before


def test_trains_every_player(trained):
    _, trainer, _, before = trained
    stages = trainer.method.step_at(1) != trainer.method.step_at(5)
    after = tiny.weights(trainer.method)
    for name, value in after.items():
        assert np.all(np.isfinite(value)), name
    stepped = set()
    for player in trainer.method.players.values():
        left_out = halvings(player.loss_scale) if player.loss_scale else 0
        assert int(player.optimizer.iterations) + left_out >= (2 if stages else 5)
        assert {v.dtype for v in player.variables} == {"float32"}
        # In float16 the only two steps of a first stage may both be left out.
        stepped |= {id(v) for v in player.variables if int(player.optimizer.iterations)}
    moved = {name.split("/")[0] for name, v in after.items() if not np.array_equal(v, before[name])}
    networks = trainer.method.networks.items()
    assert moved >= {k for k, n in networks if {id(v) for v in n.trainable_variables} & stepped}


def halvings(loss_scale):
    return int(np.log2(loss_scale.initial_scale / loss_scale.dynamic_scale.numpy()))


@pytest.mark.parametrize("mixed", MIXED)
@pytest.mark.parametrize("to_mixed", [True, False], ids=["to", "from"])
def test_a_checkpoint_goes_from_one_precision_to_another(mixed, to_mixed, tmp_path):
    """Weights and optimizers go over as they are, and training goes on."""
    case, precision = mixed
    first, second = ("float32", precision) if to_mixed else (precision, "float32")
    run = RunDirectory(tmp_path)
    run.create()
    before = tiny.trainer(case, run, precision=first, training_steps=1)
    before.train()
    after = tiny.trainer(case, run, precision=second, training_steps=2)
    after.resume()
    expected = tiny.weights(before.method, loss_scales=False)
    received = tiny.weights(after.method, loss_scales=False)
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)
    after.train()
    assert after.iteration == 2


def test_no_network_without_a_player(trained):
    _, trainer, _, _ = trained
    method = trainer.method
    owned = {id(v) for player in method.players.values() for v in player.variables}
    networks = method.networks.values()
    assert {id(v) for n in networks for v in n.trainable_variables} == owned


def test_resumes_bit_identically(trained, tmp_path):
    name, trainer, uninterrupted, _ = trained
    run = RunDirectory(tmp_path)
    run.create()
    for path in uninterrupted.checkpoints.glob("ckpt-1.*"):
        shutil.copy(path, run.checkpoints)
    resumed = tiny.trainer(name, run, precision=trainer.options.precision)
    resumed.resume()
    assert resumed.iteration == 1
    resumed.train()
    tiny.assert_equal_weights(resumed.method, trainer.method)


@pytest.mark.parametrize("case", CASES)
def test_every_update_reports_its_losses_and_moves_exactly_its_players(case, monkeypatch):
    method = tiny.trainer(case).method
    update = method.update
    trainable = {id(v): v for n in method.networks.values() for v in n.trainable_variables}
    met = set()

    def watched(objective, drawn):
        before = {key: variable.numpy() for key, variable in trainable.items()}
        reported = update(objective, drawn)
        assert all(np.all(np.isfinite(value)) for value in reported.values())
        players = {name: player for name, player in method.players.items() if name in reported}
        met.update(players)
        owned = {id(v) for player in players.values() for v in player.variables}
        moved = {k for k, v in trainable.items() if not np.array_equal(v.numpy(), before[k])}
        assert moved <= owned
        for name, player in players.items():
            assert any(id(v) in moved for v in player.variables), name
        return reported

    monkeypatch.setattr(method, "update", watched)
    for iteration in (1, 5):  # the first and the last stage
        assert method.step_at(iteration)(tiny.drawn(method))
    assert met == set(method.players)


def test_numpy_functions(trained):
    _, trainer, _, _ = trained
    method, x = trainer.method, trainer.dataset.test
    z = method.model.encode(x)
    if isinstance(method.model, ConditionalModel):
        check_conditional_functions(method.model, x, z)
        return
    if method.model.codebook_size is None:
        assert z.shape == (20, 4)
    else:
        assert z.shape == (20, 2, 2)
        assert z.min() >= 0
        assert z.max() < method.model.codebook_size
    assert z.dtype == method.model.code_dtype
    np.testing.assert_allclose(method.model.reconstruct(x), method.model.decode(z), atol=1e-6)
    if method.model.density is None:
        with pytest.raises(UserError, match="no prior of its own"):
            method.model.sample(7)
        return
    samples = method.model.sample(7, seed=1)
    assert samples.shape == (7, 8, 8, 1)
    assert samples.dtype == np.float32
    assert samples.min() >= 0
    assert samples.max() <= 1
    np.testing.assert_array_equal(samples, method.model.sample(7, seed=1))
    assert not np.array_equal(samples, method.model.sample(7, seed=2))


def check_conditional_functions(model, x, z):
    """The same of a model whose examples are images beside maps."""
    assert z.shape == (20, 5)
    x_hat = model.reconstruct(x)
    assert x_hat.shape == (20, 4, 4, 1)
    np.testing.assert_array_equal(x_hat, model.transfer(x, x))
    table = model.transfer_table(x[:2], x[:3])
    np.testing.assert_allclose(table[[0, 1], [0, 1]], x_hat[:2], atol=1e-6)
    samples = model.sample_for(x, seed=1)
    np.testing.assert_array_equal(samples, model.sample_for(x, seed=1))
    assert not np.array_equal(samples, model.sample_for(x, seed=2))
    for image in (x_hat, samples):
        assert image.min() >= 0
        assert image.max() <= 1
    with pytest.raises(UserError, match="decoding codes alone is of models without a condition"):
        model.decode(z)
    with pytest.raises(UserError, match=r"sample_for\(examples\)"):
        model.sample(7)


@functools.cache
def elsewhere(cases):
    """{how: {case: what `tests.tiny` prints}} of one replica, of two, and with XLA."""
    flags = {
        "one": ["--replicas=1", "--xla=false"],
        "two": ["--replicas=2", "--xla=false"],
        "xla": ["--replicas=1", "--xla=true"],
    }
    with contextlib.ExitStack() as stack:
        outputs, processes = {}, []
        for how, chosen in flags.items():
            # A pipe would fill up, and the process wait.
            outputs[how] = stack.enter_context(tempfile.TemporaryFile("w+"))
            command = [sys.executable, "-m", "tests.tiny", *chosen, *cases]
            processes.append(subprocess.Popen(command, stdout=outputs[how]))
        assert [process.wait() for process in processes] == [0] * len(processes)
        results = {}
        for how, output in outputs.items():
            output.seek(0)
            results[how] = {result["case"]: result for result in map(json.loads, output)}
    return results


def selected(request, methods):
    """The cases, methods or variations, for which pytest was asked to run the test of `request`."""
    name = request.node.originalname
    items = [item for item in request.session.items if item.originalname == name]
    cases = [item.callspec.params["case"] for item in items]
    return tuple(case for case in cases if (case in tiny.METHODS) == methods)


@pytest.mark.parametrize("case", tiny.rows(tiny.CASES, tiny.REPLICATED))
def test_two_replicas_and_xla_give_the_losses_of_one(case, request):
    """A doubled learning rate would move the second loss by 0.2 %, twenty times the tolerance.

    XLA's other rounding flips units of a critic near a kink, where its gradient penalty jumps.
    """
    results = elsewhere(selected(request, case in tiny.METHODS))
    reference = results["one"][case]
    for how, tolerance in (("two", 1e-4), ("xla", 2e-3)):
        other = results[how][case]
        for expected, received in zip(reference["losses"], other["losses"], strict=True):
            assert received == pytest.approx(expected, rel=tolerance, abs=1e-6)
        for expected, received in zip(reference["statistics"], other["statistics"], strict=True):
            np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-3)
