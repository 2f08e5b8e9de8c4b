"""The exported SavedModel against the Method it was made of."""

import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import data, densities, figures, methods, runs, settings
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.model import Density
from flexae_tf.serving import export
from flexae_tf.serving.signatures import MOST_IMAGES, ServedModel
from flexae_tf.training import checkpoints, saving
from tests import tiny

IMAGE_SHAPE = (8, 8, 1)
M = 5  # latent dimension
# Of those that a method has.
SMALL = {"latent_dim": M, "codebook_size": 8, "code_dim": 4}
SMALL |= {"pixel_cnn_depth": 2, "pixel_cnn_width": 8}
# Runs every signature of a SavedModel by both loaders, in a process that has only TensorFlow.
CONSUMER = """
import sys
import numpy as np, tensorflow as tf
path, requests, answers = sys.argv[1:]
inputs = {}
for key, value in np.load(requests).items():
    name, field = key.split("/")
    inputs.setdefault(name, {})[field] = value.astype(object) if value.dtype.kind == "S" else value
found = {}
loaded = tf.saved_model.load(path)
for name, values in inputs.items():
    (output,) = loaded.signatures[name](**{k: tf.constant(v) for k, v in values.items()}).values()
    found[f"v2/{name}"] = output.numpy()
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    meta_graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], path)
    for name, values in inputs.items():
        signature = meta_graph.signature_def[name]
        feed = {signature.inputs[k].name: v for k, v in values.items()}
        (output,) = signature.outputs.values()
        found[f"v1/{name}"] = session.run(output.name, feed)
assert "flexae_tf" not in sys.modules
found = {k: np.array(v.tolist()) if v.dtype == object else v for k, v in found.items()}
np.savez(answers, **found)
"""


def write_run(path, method="flexae", shape=IMAGE_SHAPE, iteration=7, **flags):
    """A run directory with one checkpoint of weights that were never trained; returns its Run."""
    known = methods.find(method).settings("paper")
    small = {name: value for name, value in SMALL.items() if name in known}
    known_to_all = {"dataset": "npz", "training_steps": 7, "ema_half_life_images": 0}
    known_to_all |= {"width_multiplier": 1 / 16}
    values = settings.parse(known_to_all | {"method": method} | small | flags)
    dataset = types.SimpleNamespace(fingerprint="0" * 64, shape=shape, train=[], validation=None)
    directory = runs.RunDirectory(path)
    directory.create()
    directory.adopt(settings.resolved(shape, values), settings.FREE, dataset)
    built = settings.build_method(shape, values)
    draw = np.random.default_rng(0)
    for network in built.networks.values():
        for weight in network.weights:  # so that inference mode differs from training mode
            if "moving_mean" in weight.path:  # small, or every unit behind it would be dead
                weight.assign(draw.uniform(-0.1, 0.1, weight.shape))
            elif "moving_variance" in weight.path:
                weight.assign(draw.uniform(0.5, 1.5, weight.shape))
    state = saving.checkpoint_of(built, tf.Variable(iteration, dtype=tf.int64))
    checkpoints.Checkpoints(directory.checkpoints, state).save(iteration)
    return runs.load(path)


def write_directions(path, **directions):
    (path / export.DIRECTIONS).mkdir(exist_ok=True)
    for name, vector in directions.items():
        np.save(path / export.DIRECTIONS / f"{name}.npy", vector)


def images_of(count, shape=IMAGE_SHAPE, seed=0):
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def codes_of(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, M), np.float32)


def png_of(images):
    return np.array([tf.io.encode_png(image).numpy() for image in figures.to_uint8(images)], object)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    write_directions(path, big=np.full(M, 2, np.float32), thin=-np.eye(M, dtype=np.float32)[0])
    return write_run(path)


@pytest.fixture(scope="module")
def folder(run):
    return export.export(run)


@pytest.fixture(scope="module")
def served(folder):
    """{signature: function of NumPy arguments to its one output, NumPy}."""
    loaded = tf.saved_model.load(str(folder))

    def call(name, **inputs):
        (output,) = loaded.signatures[name](
            **{k: tf.constant(v) for k, v in inputs.items()}
        ).values()
        return output.numpy()

    call.signatures = loaded.signatures
    return call


def requests_and_answers(model, count):
    """{signature: (inputs, what the Method says)} for `count` rows."""
    x, z = images_of(count), model.encode(images_of(count))
    codes = codes_of(count) if model.codebook_size is None else z[::-1]
    quantized = data.to_unit(figures.to_uint8(x))
    noise = model.density.noise(draws.key(5, draws.PICTURES, 0), count).numpy()
    generated = model.decode(model.density.prior(tf.constant(noise)).numpy())
    between = {} if model.codebook_size else requests_and_answers_between(model, x, z)
    return between | {
        "generate": ({"noise": noise}, generated),
        "serving_default": ({"noise": noise}, generated),
        "sample": (
            {"num_samples": np.int32(count), "seed": np.int64(3)},
            model.sample(count, seed=3),
        ),
        "encode": ({"images": x}, z),
        "decode": ({"codes": codes}, model.decode(codes)),
        "reconstruct": ({"images": x}, model.reconstruct(x)),
        "encode_image_bytes": ({"image_bytes": png_of(x)}, model.encode(quantized)),
        "generate_png": ({"noise": noise}, png_of(generated)),
    }


def requests_and_answers_between(model, x, z):
    """The same of what decodes vectors between and beyond codes z of images x."""
    count, y = len(x), images_of(len(x), seed=1)
    path = np.linspace(0, 1, 3, dtype=np.float32)[:, None]  # [3, 1]
    walk = np.stack([(1 - path) * a + path * b for a, b in zip(z, model.encode(y), strict=True)])
    names = np.array([b"big", b"thin"], object)[np.arange(count) % 2]
    strength = np.arange(count, dtype=np.float32)
    vectors = np.array([[2] * M, [-1] + [0] * (M - 1)], np.float32)[np.arange(count) % 2]
    return {
        "interpolate": (
            {"images_a": x, "images_b": y, "steps": np.full(count, 3, np.int32)},
            model.decode(walk.reshape(-1, M)).reshape(count, 3, *IMAGE_SHAPE),
        ),
        "edit": (
            {"images": x, "direction": names, "strength": strength},
            model.decode(z + strength[:, None] * vectors),
        ),
    }


def test_a_process_without_this_package_gets_the_models_answers(run, folder, tmp_path):
    expected = requests_and_answers(run.model, 4)
    flat = {f"{n}/{k}": v for n, (inputs, _) in expected.items() for k, v in inputs.items()}
    flat = {k: v.astype(bytes) if np.asarray(v).dtype == object else v for k, v in flat.items()}
    np.savez(tmp_path / "requests.npz", **flat)
    command = [
        sys.executable,
        "-c",
        CONSUMER,
        folder,
        tmp_path / "requests.npz",
        tmp_path / "a.npz",
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    answers = np.load(tmp_path / "a.npz")
    assert len(answers) == 2 * len(expected)
    for key in answers:
        _, answer = expected[key.split("/")[1]]
        if answer.dtype == object:
            assert answers[key].tolist() == answer.tolist()
        else:
            np.testing.assert_allclose(answers[key], answer, atol=1e-5, rtol=0)


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_any_batch_size(served, run, count):
    for name, (inputs, answer) in requests_and_answers(run.model, count).items():
        found = served(name, **inputs)
        if answer.dtype == object:
            assert found.tolist() == answer.tolist()
        else:
            np.testing.assert_allclose(found, answer, atol=1e-5, rtol=0)


def test_an_empty_batch_has_an_empty_answer(served):
    none, no_image = np.zeros((0, M), np.float32), images_of(0)
    nothing = np.zeros(0, np.float32)
    assert served("generate", noise=none).shape == no_image.shape
    assert served("generate_png", noise=none).shape == (0,)
    assert served("sample", num_samples=np.int32(0), seed=np.int64(0)).shape == no_image.shape
    assert served("encode", images=no_image).shape == (0, M)
    assert served("decode", codes=none).shape == no_image.shape
    assert served("reconstruct", images=no_image).shape == no_image.shape
    assert served("encode_image_bytes", image_bytes=np.array([], object)).shape == (0, M)
    walk = served(
        "interpolate", images_a=no_image, images_b=no_image, steps=nothing.astype(np.int32)
    )
    assert walk.shape == (0, 2, *IMAGE_SHAPE)
    names = np.array([], object)
    edited = served("edit", images=no_image, direction=names, strength=nothing)
    assert edited.shape == no_image.shape


def test_names_shapes_and_types(served):
    described = {
        name: (
            {
                k: (v.dtype.name, v.shape.as_list())
                for k, v in s.structured_input_signature[1].items()
            },
            {k: (v.dtype.name, v.shape.as_list()) for k, v in s.structured_outputs.items()},
        )
        for name, s in served.signatures.items()
    }
    image, code = ("float32", [None, *IMAGE_SHAPE]), ("float32", [None, M])
    generate = ({"noise": code}, {"images": image})
    assert described == {
        "serving_default": generate,
        "generate": generate,
        "sample": ({"num_samples": ("int32", []), "seed": ("int64", [])}, {"images": image}),
        "encode": ({"images": image}, {"codes": code}),
        "decode": ({"codes": code}, {"images": image}),
        "reconstruct": ({"images": image}, {"images": image}),
        "interpolate": (
            {"images_a": image, "images_b": image, "steps": ("int32", [None])},
            {"images": ("float32", [None, None, *IMAGE_SHAPE])},
        ),
        "edit": (
            {"images": image, "direction": ("string", [None]), "strength": ("float32", [None])},
            {"images": image},
        ),
        "encode_image_bytes": ({"image_bytes": ("string", [None])}, {"codes": code}),
        "generate_png": ({"noise": code}, {"png_bytes": ("string", [None])}),
    }


BAD = images_of(2)
BAD[1, 3, 3] = np.nan


def pair_with_steps(*steps):
    steps = np.array(steps, np.int32)
    return {"images_a": images_of(2), "images_b": images_of(2), "steps": steps}


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("encode", {"images": BAD}, r"images must be in \[0, 1\]"),
        ("reconstruct", {"images": images_of(2) * 255}, "divide 0..255 by 255"),
        ("reconstruct", {"images": images_of(2) - 0.5}, r"images must be in \[0, 1\]"),
        ("generate", {"noise": np.full((1, M), np.nan, np.float32)}, "noise must be finite"),
        ("generate_png", {"noise": np.full((1, M), np.inf, np.float32)}, "noise must be finite"),
        ("decode", {"codes": np.full((1, M), np.inf, np.float32)}, "codes must be finite"),
        ("decode", {"codes": codes_of(MOST_IMAGES + 1)}, f"at most {MOST_IMAGES} images"),
        ("sample", {"num_samples": np.int32(-1), "seed": np.int64(0)}, "between 0 and"),
        ("sample", {"num_samples": np.int32(2**31 - 1), "seed": np.int64(0)}, "between 0 and"),
        (
            "interpolate",
            pair_with_steps(1, 1),
            "at least 2",
        ),
        (
            "interpolate",
            pair_with_steps(3, 4),
            "equal in all rows",
        ),
        (
            "interpolate",
            pair_with_steps(2**31 - 1, 2**31 - 1),
            "times rows at most",
        ),
        (
            "edit",
            {
                "images": images_of(1),
                "direction": np.array(["wide"], object),
                "strength": np.ones(1, np.float32),
            },
            "direction must be one of big, thin",
        ),
        ("encode_image_bytes", {"image_bytes": np.array([b"no image"], object)}, "(?i)image"),
        ("encode_image_bytes", {"image_bytes": png_of(images_of(1, (9, 8, 1)))}, "8 x 8 pixels"),
        ("encode", {"images": images_of(2, (4, 4, 1))}, "(?i)shape"),
        ("encode", {"images": images_of(2).astype(np.float64)}, "float"),
    ],
)
def test_an_unsound_input_is_a_clear_error(served, name, inputs, message):
    with pytest.raises((tf.errors.InvalidArgumentError, TypeError, ValueError), match=message):
        served(name, **inputs)


def test_images_of_other_rows_do_not_matter(served):
    x = images_of(7)
    np.testing.assert_allclose(
        served("reconstruct", images=x)[2:3], served("reconstruct", images=x[2:3]), atol=1e-6
    )


def test_a_conditional_model(tmp_path):
    small = {"unet_width": 3, "unet_max_width": 6, "latent_width": 1, "bottleneck_size": 1}
    run = write_run(tmp_path, "vunet", (4, 4, 2), **{k: str(v) for k, v in small.items()})
    loaded = tf.saved_model.load(str(export.export(run)))
    assert set(loaded.signatures) == {"transfer", "generate", "encode", "reconstruct"} | {
        tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    }
    x = data.to_unit(tiny.paired_dataset().test[:3])
    model, y = run.model, run.model.condition_of(x[::-1])

    def served(name, **inputs):
        (found,) = loaded.signatures[name](
            **{k: tf.constant(v) for k, v in inputs.items()}
        ).values()
        return found.numpy()

    close = functools.partial(np.testing.assert_allclose, atol=1e-5)
    close(served("transfer", images=x, poses=y), model.transfer(x, x[::-1]))
    close(served("encode", images=x), model.encode(x))
    close(served("reconstruct", images=x), model.reconstruct(x))
    noise = model.conditional_density.noise(draws.key(1, draws.PICTURES, 0), 3)
    close(served("generate", noise=noise.numpy(), poses=y), model.sample_for(x[::-1], seed=1))
    assert served("transfer", images=x[:0], poses=y[:0]).shape == (0, 4, 4, 1)


@pytest.mark.parametrize(
    "method", tiny.rows([m for m in tiny.METHODS if not methods.is_paired(m)], tiny.EXPORTED)
)
def test_every_method(tmp_path, method):
    run = write_run(tmp_path, method=method)
    density = densities.OWN if run.model.density is not None else "standard_normal"
    loaded = tf.saved_model.load(str(export.export(run, density)))
    expected = requests_and_answers(densities.attach(run, density).model, 2)
    assert set(loaded.signatures) == set(expected) - {"edit"}
    for name, signature in loaded.signatures.items():
        inputs, answer = expected[name]
        (found,) = signature(**{k: tf.constant(v) for k, v in inputs.items()}).values()
        if name != "generate_png":
            np.testing.assert_allclose(found, answer, atol=1e-5, rtol=0)
    nothing = loaded.signatures["sample"](num_samples=tf.constant(0), seed=tf.constant(0, tf.int64))
    assert nothing["images"].shape == (0, *IMAGE_SHAPE)


@pytest.mark.parametrize("noise", draws.SAMPLERS)
def test_every_sampler(vector_run, noise):
    class Difference(Density):
        def prior(self, n):
            return n[:, :M] - n[:, -M:]

    model = vector_run.model.sampled_from(Difference(draws.noise(noise, 12)))
    signature = ServedModel(model, {}).signatures()["sample"]
    sample = tf.function(signature.function, input_signature=signature.inputs)
    found = sample(tf.constant(3), tf.constant(11, tf.int64))["vectors"]
    np.testing.assert_allclose(found, model.sample(3, seed=11), atol=1e-6)


def test_vectors_are_not_bounded_and_have_no_files(small_run):
    folder = export.export(small_run)
    x = np.array([[-2.0, 7.0]], np.float32)
    reconstruct = tf.saved_model.load(str(folder)).signatures["reconstruct"]
    found = reconstruct(vectors=tf.constant(x))["vectors"]
    np.testing.assert_allclose(found, small_run.model.reconstruct(x), atol=1e-6)
    assert set(read_card(folder)["left_out"]) == {"edit", "encode_image_bytes", "generate_png"}


def read_card(folder):
    return json.loads((folder / "assets.extra" / "card.json").read_text())


def test_a_method_without_a_prior_is_exported_without_generation(run):
    served = ServedModel(run.model.sampled_from(None), {})
    assert list(served.signatures()) == [
        "encode",
        "decode",
        "reconstruct",
        "interpolate",
        "encode_image_bytes",
    ]
    assert served.lacking() == {
        "generate": "it has no prior",
        "sample": "it has no prior",
        "generate_png": "it has no prior",
        "edit": "no direction has been computed",
    }


def test_card(tmp_path):
    run = write_run(tmp_path, shape=(2,), iteration=4, data_dir="/home/someone")
    record = {"metrics/generation/fid": 12.5}
    run_directory = runs.RunDirectory(tmp_path)
    run_directory.metrics.mkdir()
    (run_directory.metrics / "4.json").write_text(json.dumps(record))
    (run_directory.metrics / "40.json").write_text(json.dumps({"metrics/generation/fid": 1.0}))
    card = read_card(export.export(run))
    assert card["metrics"] == {"4.json": record}
    assert (card["iteration"], card["training_steps"], card["finished"]) == (4, 7, False)
    assert (card["method"], card["variant"], card["dataset"]) == ("flexae", "paper", "npz")
    assert card["settings"]["latent_dim"] == M
    assert "/home/someone" not in json.dumps(card)
    assert card["signatures"]["generate"] == {"noise": {"dtype": "float32", "shape": [None, M]}}


def test_a_model_in_float16_has_float32_signatures(tmp_path):
    run = write_run(tmp_path, precision="mixed_float16")
    folder = export.export(run)
    assert read_card(folder)["precision"] == "mixed_float16"
    signatures = tf.saved_model.load(str(folder)).signatures
    for signature in (signatures["encode"], signatures["decode"], signatures["reconstruct"]):
        specs = [*signature.structured_input_signature[1].values()]
        specs += signature.structured_outputs.values()
        assert {spec.dtype for spec in specs} == {tf.float32}
    x = images_of(3)
    codes = signatures["encode"](images=tf.constant(x))["codes"]
    np.testing.assert_allclose(codes, run.model.encode(x), atol=2e-3)


@pytest.fixture(scope="module")
def vector_run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("vectors"), shape=(2,))


@pytest.fixture
def small_run(vector_run, tmp_path):
    path = shutil.copytree(vector_run.path, tmp_path / "run")
    return dataclasses.replace(vector_run, path=path)


def test_versions_count_up(small_run):
    assert [export.export(small_run).name for _ in range(3)] == ["1", "2", "3"]


def test_an_export_that_is_cut_short_leaves_no_version(small_run, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(export.report, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        export.export(small_run)
    left = [path.name for path in (small_run.path / "export").iterdir()]
    assert sorted(left) == [".lock", "partial"]
    monkeypatch.undo()
    assert export.export(small_run).name == "1"
    assert not (small_run.path / "export" / "partial").exists()


@pytest.mark.slow
@pytest.mark.parametrize("reached", ["partial", "partial/saved_model.pb", "partial/assets.extra"])
def test_a_killed_export_leaves_no_version(small_run, reached):
    code = "import sys; from flexae_tf import export, runs; export.export(runs.load(sys.argv[1]))"
    folder = small_run.path / "export"
    process = subprocess.Popen([sys.executable, "-c", code, small_run.path])
    while not (folder / reached).exists():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "partial"]
    assert export.export(small_run).name == "1"


@pytest.mark.slow
def test_a_checkpoint_of_two_replicas(tmp_path):
    code = """
import sys
import numpy as np, tensorflow as tf
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
from tests.serving.test_export import write_run
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    run = write_run(sys.argv[1])
assert isinstance(run.model.encoder.weights[0].value, tf.distribute.DistributedValues)
np.save(sys.argv[2], run.model.sample(4, seed=2))
"""
    expected = tmp_path / "expected.npy"
    subprocess.run([sys.executable, "-c", code, tmp_path / "run", expected], check=True)
    loaded = tf.saved_model.load(str(export.export(runs.load(tmp_path / "run"))))
    answer = loaded.signatures["sample"](num_samples=tf.constant(4), seed=tf.constant(2, tf.int64))
    np.testing.assert_allclose(answer["images"], np.load(expected), atol=1e-5)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is write-protected for root")
def test_a_folder_that_cannot_be_written(small_run):
    small_run.path.chmod(0o500)
    with pytest.raises(UserError, match=r"cannot write .*export: Permission denied"):
        export.export(small_run)


def test_export_is_a_file(small_run):
    (small_run.path / "export").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*export: File exists"):
        export.export(small_run)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.zeros(M + 1, np.float32), r"5 finite float32 numbers; received float32 \[6\]"),
        (np.zeros(M), r"received float64 \[5\]"),
        (np.full(M, np.nan, np.float32), "5 finite float32"),
        (np.array([object()] * M), "cannot read the direction"),
    ],
)
def test_an_unsound_direction(small_run, vector, message):
    write_directions(small_run.path, smiling=vector)
    with pytest.raises(UserError, match=message):
        export.export(small_run)


def test_warmup_requests_are_prediction_logs_that_run(served, run, tmp_path):
    pytest.importorskip("tensorflow_serving")
    from tensorflow_serving.apis import prediction_log_pb2

    path = run.path / "export" / "1" / "assets.extra" / "tf_serving_warmup_requests"
    seen = []
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        assert len(served(request.model_spec.signature_name, **inputs)) == 1
        seen.append(request.model_spec.signature_name)
    assert sorted(seen) == sorted(served.signatures)


def test_without_the_serving_package_there_is_a_line(small_run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    folder = export.export(small_run)
    assert capsys.readouterr().err.startswith("no warm-up requests: install requirements-serving")
    assert not (folder / "assets.extra" / "tf_serving_warmup_requests").exists()


def export_command(*flags):
    command = [sys.executable, "-m", "tools.export", *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
def test_command(small_run):
    result = export_command(f"--run_dir={small_run.path}")
    assert result.returncode == 0
    assert result.stdout == (
        "exported npz, flexae, iteration 7\n"
        "signatures: generate, sample, encode, decode, reconstruct, interpolate\n"
        f"{small_run.path}/export/1\n"
    )
    assert "left out edit: no direction has been computed\n" in result.stderr


@pytest.mark.slow
def test_a_damaged_checkpoint_is_one_line(small_run):
    index = small_run.path / "checkpoints" / "ckpt-7.index"
    index.write_bytes(b"damaged" + index.read_bytes()[:200])
    result = export_command(f"--run_dir={small_run.path}", "--checkpoint=7")
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert errors == result.stderr.splitlines()[-1:]
    assert "cannot read the checkpoint" in errors[0]
    assert "Traceback" not in result.stderr
    assert not (small_run.path / "export").exists()


def test_a_density_takes_the_priors_place(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run")
    wide = densities.Codes(codes_of(50), None)  # those of an untrained encoder are next to 0
    monkeypatch.setattr(densities, "encode", lambda model, images: wide)
    fitted = densities.attach(runs.load(run.path), "gmm3", types.SimpleNamespace(train=None))
    version = export.export(run, "gmm3")  # without data: it was fitted before
    card = json.loads((version / "assets.extra" / "card.json").read_text())
    assert card["density"] == "gmm3"
    assert card["signatures"]["generate"]["noise"]["shape"] == [None, 1 + M]
    sample = tf.saved_model.load(str(version)).signatures["sample"]
    answer = sample(num_samples=tf.constant(9), seed=tf.constant(3, tf.int64))["images"]
    of_the_prior = runs.load(run.path).model.sample(9, seed=3)
    distance = [np.abs(answer - x).max() for x in (fitted.model.sample(9, seed=3), of_the_prior)]
    assert distance[0] < 1e-6
    assert distance[1] > 100 * distance[0]
