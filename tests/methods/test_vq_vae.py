"""VQ-VAE: its objectives against NumPy, its stages, and what codes that are indices leave out."""

import json

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.runs import RunDirectory
from flexae_tf.serving.clients import Tensor, parse_response, request_body
from flexae_tf.serving.signatures import ServedModel
from tests import picture_runs, tiny
from tests.tools import mistakes
from tools.serving_client import example_inputs

K, D = 8, 4  # of tests/tiny.py; the grid is 2 x 2


@pytest.fixture
def method():
    return tiny.builder("vq_vae", pixel_variance=0.2, commitment_weight=0.5)()


def indices_of(method, x):
    """argmin |E(x) - e_k|^2, by NumPy, and E(x)."""
    z_e = method.encoder(x).numpy()  # [B, 2, 2, D]
    distance = ((z_e[..., None, :] - method.codebook.e.numpy()) ** 2).sum(-1)
    return distance.argmin(-1), z_e


def test_the_first_objective(method):
    drawn = tiny.drawn(method)[0]
    indices, z_e = indices_of(method, drawn.x)
    z_q = method.codebook.e.numpy()[indices]
    error = ((drawn.x - method.grid_decoder(z_q, training=True)) ** 2).numpy().mean() / 0.2
    commitment = ((z_e - z_q) ** 2).mean()
    reported = method.reconstruction(drawn)
    assert float(reported["autoencoder"]) == pytest.approx(error + 0.5 * commitment, rel=1e-5)
    np.testing.assert_array_equal(reported["counts"], np.bincount(indices.ravel(), minlength=K))
    sums = [z_e[indices == k].sum(0) for k in range(K)]
    np.testing.assert_allclose(reported["sums"], sums, atol=1e-5)
    places = np.int32(drawn.place * 4)
    chosen = z_e.reshape(-1, 4, D)[np.arange(8), places]
    np.testing.assert_allclose(reported["candidates"], chosen)


def test_the_gradient_passes_straight_through(method):
    """dx_hat / dE(x) is that by z_q; the codebook has no gradient."""
    drawn = tiny.drawn(method)[0]
    method.commitment_weight = 0.0
    indices, _ = indices_of(method, drawn.x)
    bias = method.encoder.layers[-1].bias.value
    with tf.GradientTape() as tape:
        loss = method.reconstruction(drawn)["autoencoder"]
    gradient, none = tape.gradient(loss, [bias, method.codebook.e.value])
    assert none is None
    z_q = tf.constant(method.codebook.e.numpy()[indices])
    with tf.GradientTape() as tape:
        tape.watch(z_q)
        error = tf.reduce_mean((drawn.x - method.grid_decoder(z_q, training=True)) ** 2) / 0.2
    expected = tf.reduce_sum(tape.gradient(error, z_q), [0, 1, 2])
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


def test_the_second_objective(method):
    last = method.pixel_cnn.last
    draw = np.random.default_rng(0)
    last.kernel.assign(draw.standard_normal(last.kernel.shape))
    drawn = tiny.drawn(method)[0]
    indices, _ = indices_of(method, drawn.x)
    log_p = scipy.special.log_softmax(method.pixel_cnn(indices).numpy(), axis=-1)
    nats = -np.take_along_axis(log_p, indices[..., None], -1).mean()
    reported = method.negative_log_likelihood(drawn)
    assert float(reported["pixel_cnn"]) == pytest.approx(nats, rel=1e-5)
    assert float(reported["pixel_cnn/bits_per_index"]) == pytest.approx(nats / np.log(2), rel=1e-5)


def test_a_step_moves_the_codebook_by_what_was_encoded_before_it(method):
    drawn = tiny.drawn(method)
    seen = method.reconstruction(drawn[0])
    other = tiny.builder("vq_vae")().codebook
    other.set_weights(method.codebook.get_weights())
    other.follow(seen["counts"], seen["sums"], seen["candidates"])
    reported = method.step(drawn)
    for received, expected in zip(method.codebook.weights, other.weights, strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)
    p = seen["counts"] / 32
    assert float(reported["codebook/perplexity"]) == pytest.approx(
        np.exp(scipy.special.entr(p).sum()), rel=1e-5
    )
    assert float(reported["codebook/bits_per_index"]) == pytest.approx(
        scipy.special.entr(p).sum() / np.log(2), rel=1e-5
    )
    assert all(tensor.shape.rank == 0 for tensor in reported.values())


def test_the_second_stage_resumes_and_leaves_the_first_as_it_is(tmp_path):
    """Stages of 2 and 3 iterations, resumed after the second one of the second stage."""
    run = RunDirectory(tmp_path)
    run.create()
    whole = tiny.trainer("vq_vae", run, checkpoint_every_steps=1, keep_checkpoints=5)
    whole.train()
    for path in run.checkpoints.glob("ckpt-5*"):
        path.unlink()
    resumed = tiny.trainer("vq_vae", run)
    resumed.resume()
    assert resumed.iteration == 4
    before = tiny.weights(resumed.method)
    resumed.train()
    tiny.assert_equal_weights(resumed.method, whole.method)
    after = tiny.weights(resumed.method)
    moved = {name for name in after if not np.array_equal(after[name], before[name])}
    assert {name.split("/")[0] for name in moved} == {"pixel_cnn", "pixel_cnn optimizer"}


def test_the_validation_loss_is_the_sum_of_both_stages(method):
    x = tiny.drawn(method)[0].x
    first = method.reconstruction(tiny.drawn(method)[0], training=False)["autoencoder"]
    assert float(method.validation_loss(x)) == pytest.approx(float(first) + np.log(K), rel=1e-5)


def test_samples_are_decoded_indices(method):
    model = method.model
    k = model.sample_codes(5, seed=2)
    assert (k.dtype, k.shape) == (np.int32, (5, 2, 2))
    np.testing.assert_array_equal(k, model.sample_codes(5, seed=2))
    np.testing.assert_allclose(model.sample(5, seed=2), model.decode(k), atol=1e-6)
    x = tiny.dataset().test
    np.testing.assert_array_equal(model.reconstruct(x, by="sample"), model.reconstruct(x))


def test_what_needs_vectors_is_refused(method):
    x = tiny.dataset().test
    with pytest.raises(UserError, match="interpolation needs codes that are vectors; here they"):
        method.model.interpolate(x, x, 3)
    with pytest.raises(UserError, match=r"a latent dimension needs codes .* are 2 x 2 indices"):
        _ = method.model.latent_dim


def test_a_served_model_takes_indices_and_refuses_others(method):
    served = ServedModel(method.model, {})
    assert set(served.lacking()) == {"interpolate", "edit"}
    codes = np.int32([[[0, 1], [2, K - 1]]])
    np.testing.assert_allclose(served.decode(codes)["images"], method.model.decode(codes))
    for wrong in (-1, K):
        with pytest.raises(tf.errors.InvalidArgumentError, match="indices from 0 to 7"):
            served.decode(np.full_like(codes, wrong))
    for empty in (served.decode(codes[:0]), served.generate(tf.zeros([0, 4]))):
        assert empty["images"].shape == (0, 8, 8, 1)


def test_clients_keep_indices_as_they_are():
    codes = np.int32([[[0, 1], [2, 7]]])
    assert request_body("decode", {"codes": codes})["instances"] == [{"codes": codes[0].tolist()}]
    received = parse_response({"predictions": codes.tolist()})
    assert received.dtype == np.int32
    np.testing.assert_array_equal(received, codes)
    chosen = example_inputs({"codes": Tensor(np.int32, (-1, 2, 2))}, codes, {"seed": 0})["codes"]
    assert (chosen.dtype, chosen.shape) == (np.int32, (1, 2, 2))


# Runs a command's main on several lists of arguments and prints the errors.
@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    small = {"codebook_size": 8, "code_dim": 4, "pixel_cnn_depth": 2, "pixel_cnn_width": 8}
    return picture_runs.write(tmp_path_factory.mktemp("run"), method="vq_vae", **small).path


def test_figures_leave_out_those_of_vectors(run_dir, tmp_path):
    chosen = [f"--run_dir={run_dir}", "--kind=all", "--count=4", "--inception=nowhere"]
    done = mistakes.run("figures", [chosen], tmp_path)
    *lines, end = done.stdout.splitlines()
    assert end == "no error", done.stderr[-2000:]
    drawn = [line.split("\t")[0].rsplit("/", 1)[1] for line in lines]
    kinds = [name.split("-")[0] for name in drawn]
    assert kinds == ["samples", "reconstructions", "neighbours"]
    left_out = [line for line in done.stderr.splitlines() if "codes that are vectors" in line]
    assert left_out == [
        f"left out of {kind}: --kind={kind} needs codes that are vectors; here they are "
        "4 x 4 indices"
        for kind in ("interpolations", "attributes", "latents", "mask")
    ]


def test_evaluation_measures_what_it_can_and_refuses_the_rest(run_dir, tmp_path):
    chosen = [f"--run_dir={run_dir}", "--features=pixels", "--count=20", "--json"]
    refused = ["--density=gmm", "--measures=path_length", "--measures=separability"]
    lists = [chosen, *([*chosen, flag] for flag in refused)]
    done = mistakes.run("evaluate", lists, tmp_path)
    record, end, *errors = done.stdout.splitlines()
    assert end == "no error", done.stderr[-2000:]
    names = {name.split("/")[1] for name in json.loads(record) if name.startswith("metrics/")}
    assert names == {"reconstruction", "generation", "pms"}
    assert "left out interpolation/ and codes/, which need codes that are vectors" in done.stderr
    assert errors == [
        f"{flag} needs codes that are vectors; here they are 4 x 4 indices" for flag in refused
    ]
