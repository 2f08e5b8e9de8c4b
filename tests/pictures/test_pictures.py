"""Every kind of picture: what is in it, of images and of vectors, and what is refused."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from flexae_tf import figures, pictures
from flexae_tf.algorithm.flow_prior import FlowDensity
from flexae_tf.data import to_unit
from flexae_tf.errors import UserError
from flexae_tf.evaluation import interpolation
from flexae_tf.evaluation.pretrained import choose
from flexae_tf.networks.flow import Flow
from flexae_tf.networks.pseudo_inputs import PseudoInputs
from flexae_tf.pictures import latents, mask
from flexae_tf.pictures.attributes import chosen_labels, directions, file_names
from flexae_tf.pictures.interpolations import choose_pairs
from flexae_tf.pictures.neighbours import k_nearest
from flexae_tf.pictures.picture import CELEBA_ATTRIBUTES
from flexae_tf.pictures.plane import Plane
from flexae_tf.serving import export
from flexae_tf.serving.signatures import ServedModel
from flexae_tf.training import event_files
from tests import picture_runs
from tests.evaluation_networks import save_small_inception

RULES = (interpolation.linear, interpolation.spherical)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return picture_runs.run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def grids(monkeypatch):
    """The images that are laid out in grids, as they come."""
    laid_out = []
    grid = figures.grid

    def record(images, columns):
        laid_out.append(images)
        return grid(images, columns)

    monkeypatch.setattr(figures, "grid", record)
    return laid_out


def drawn(kind, run, dataset, **chosen):
    return [p for _, p in pictures.write(kind, run, dataset, pictures.Options(**chosen))]


@pytest.mark.parametrize("kind", [k for k in pictures.KINDS if not k.endswith("_transfer")])
@pytest.mark.parametrize("what", ["images", "vectors"])
def test_a_kind_is_written_with_its_seed_and_depends_on_it(kind, what, run, tmp_path):
    dataset = picture_runs.images() if what == "images" else picture_runs.vectors()
    if what == "vectors":
        run = dataclasses.replace(run, model=picture_runs.LinearModel())
    if kind == "pseudo_inputs":
        network = PseudoInputs(dataset.shape, 20, 0.5, 0.5)
        run = dataclasses.replace(run, networks={"pseudo_inputs": network})
    run = dataclasses.replace(run, path=tmp_path)
    contents = []
    for seed in (0, 0, 1):
        options = pictures.Options(seed=seed, attributes=("1",) if kind == "attributes" else None)
        written = list(pictures.write(kind, run, dataset, options))
        assert [p for p, _ in written] == pictures.existing(kind, tmp_path, run.iteration)
        path, picture = written[0]
        assert path.name == f"{picture.name}-0000003.png"
        assert f"seed {seed}" in picture.note
        with Image.open(path) as image:
            assert image.info == {
                "Title": picture.title,
                "Description": picture.note,
                "seed": str(seed),
                "density": "own",
            }
            contents.append(np.asarray(image))
    np.testing.assert_array_equal(contents[0], contents[1])
    same = contents[0].shape == contents[2].shape
    assert not (same and np.array_equal(contents[0], contents[2]))


def test_pseudo_inputs_are_shown_in_random_order_or_are_not_there(run, grids):
    network = PseudoInputs((8, 8, 1), 20, 0.5, 0.5)
    drawn_run = dataclasses.replace(run, networks={"pseudo_inputs": network})
    (picture,) = drawn("pseudo_inputs", drawn_run, picture_runs.images(), count=9)
    assert picture.title == "9 of 20 pseudo-inputs"
    value = np.clip(network.value.numpy(), 0, 1)
    shown = np.abs(grids[0][:, None] - value[None]).max((2, 3, 4)).argmin(1)
    np.testing.assert_array_equal(grids[0], value[shown])
    assert len(set(shown)) == 9
    with pytest.raises(UserError, match="--kind=pseudo_inputs: flexae has none"):
        drawn("pseudo_inputs", run, picture_runs.images())


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A run with a mask, two of whose four dimensions are active, recorded three times."""
    run = picture_runs.run(tmp_path_factory.mktemp("masked"), "mask_aae")
    a = run.networks["mask"].layers[-1].a
    a.assign([0.0, 3.0, 0.05, 2.0])
    alpha = 1 - np.exp(-a.numpy())
    writer = tf.summary.create_file_writer(str(run.path / "train"))
    for iteration in (1, 3, 5):
        with writer.as_default(iteration):
            event_files.write_vector("mask/alpha", alpha / iteration)
    writer.close()
    return run, alpha


def test_the_history_of_a_mask_ends_at_the_checkpoint(masked, run):
    run_with_mask, alpha = masked
    iterations, values = mask.history(run_with_mask)
    assert iterations.tolist() == [1, 3]
    np.testing.assert_allclose(values, [alpha, alpha / 3], rtol=1e-6)
    assert mask.history(run) is None


def test_a_mask_beside_another_run(masked, run):
    run_with_mask, _ = masked
    dataset = picture_runs.images()
    (alone,) = drawn("mask", run_with_mask, dataset)
    (both,) = drawn("mask", run_with_mask, dataset, beside=run)
    assert "2 of 4 active" in both.title
    # One more panel: mask, variances, and one or two covariances.
    assert both.image.shape[1] / alone.image.shape[1] == pytest.approx(4 / 3, rel=0.05)
    other = dataclasses.replace(run, fingerprint="other")
    with pytest.raises(UserError, match="a run on other data"):
        drawn("mask", run_with_mask, dataset, beside=other)


def test_samples_are_the_first_of_the_seed(run, grids):
    drawn("samples", run, picture_runs.images(), seed=5)
    np.testing.assert_array_equal(grids[0], run.model.sample(225, seed=5))


def test_samples_of_a_density_have_files_of_their_own(run):
    (picture,) = drawn("samples", run, picture_runs.images(), density="gmm")
    assert picture.name == "samples-gmm"
    assert "density gmm" in picture.note


def test_reconstructions_are_below_what_they_reconstruct(run, grids):
    dataset = picture_runs.images()
    drawn("reconstructions", run, dataset, count=15)
    rows = np.random.default_rng(0).permutation(20)[:15]
    x = dataset.test[rows]
    np.testing.assert_array_equal(grids[0][:15], x)
    np.testing.assert_array_equal(grids[0][15:], figures.to_uint8(run.model.reconstruct(x)))


def test_interpolations_lie_between_real_images(run, grids, monkeypatch):
    dataset = picture_runs.images()
    decode, codes = run.model.decode, []
    monkeypatch.setattr(run.model, "decode", lambda z: codes.append(z) or decode(z))
    linear, spherical = drawn("interpolations", run, dataset, columns=5, count=3)
    assert [linear.name, spherical.name] == ["interpolations-linear", "interpolations-spherical"]
    a, b = choose_pairs(dataset.test_labels, 20, 3, seed=0)
    x_a, x_b = to_unit(dataset.test[a]), to_unit(dataset.test[b])
    z_a, z_b = run.model.encode(x_a), run.model.encode(x_b)
    for z, laid_out, rule in zip(codes, grids, RULES, strict=True):
        rows = laid_out.reshape(len(a), 5, 8, 8, 1)
        np.testing.assert_array_equal(rows[:, 0], x_a)
        np.testing.assert_array_equal(rows[:, -1], x_b)
        np.testing.assert_array_equal(rows[:, 1:-1].reshape(-1, 8, 8, 1), decode(z))
        z = z.reshape(len(a), 3, -1)
        for step, t in enumerate((0.25, 0.5, 0.75)):
            np.testing.assert_allclose(z[:, step], rule(z_a, z_b, t), rtol=1e-5)
    np.testing.assert_allclose(codes[0].reshape(len(a), 3, -1)[:, 1], (z_a + z_b) / 2, rtol=1e-5)


def test_interpolations_in_the_space_of_noise(run, grids):
    dataset, flow = picture_runs.images(), Flow(4, 3, 8, seed=0)
    with pytest.raises(UserError, match="no z0"):
        drawn("interpolations", run, dataset, space="z0")
    kernels = [transform.network.layers[-1].kernel for transform in flow.transforms]
    for kernel in kernels:  # of zeros, with which z_0 is a multiple of z
        kernel.assign(np.random.default_rng(0).standard_normal(kernel.shape) / 4)
    run = dataclasses.replace(run, model=run.model.sampled_from(FlowDensity(flow)))
    pictured = drawn("interpolations", run, dataset, columns=3, count=3, space="z0")
    names = [picture.name for picture in pictured]
    assert names == ["interpolations-linear-z0", "interpolations-spherical-z0"]
    a, b = choose_pairs(dataset.test_labels, 20, 3, seed=0)
    n_a, n_b = (flow(run.model.encode(dataset.test[rows]))[0].numpy() for rows in (a, b))
    for laid_out, rule in zip(grids, RULES, strict=True):
        z = flow.inverse(np.float32(rule(n_a, n_b, 0.5))).numpy()
        middle = laid_out.reshape(len(a), 3, 8, 8, 1)[:, 1]
        np.testing.assert_allclose(middle, run.model.decode(z), atol=1e-5)


def test_codes_of_two_components_come_with_the_density_of_the_prior(run, monkeypatch):
    seen = {}
    panels = figures.panels

    def watched(layers, axes, corners):
        seen.update(layers, corners=corners)
        return panels(layers, axes, corners)

    monkeypatch.setattr(figures, "panels", watched)
    run = dataclasses.replace(run, model=picture_runs.LinearModel())
    drawn("latents", run, picture_runs.vectors(2000))
    heading = "Lines around 95, 90, 70, 50, 30, 10 % of the prior"
    (lines,) = [layer for layer in seen[heading] if hasattr(layer, "height")]
    x, y = np.meshgrid(lines.x, lines.y)
    np.testing.assert_allclose(lines.height, -(x**2 + y**2) / 2 - np.log(2 * np.pi), atol=1e-4)
    within = [0.95, 0.9, 0.7, 0.5, 0.3, 0.1]  # of a normal density: |z|^2 / 2 < -log(1 - part)
    expected = np.log1p(-np.array(within)) - np.log(2 * np.pi)
    np.testing.assert_allclose(lines.levels, expected, atol=0.15)
    z = run.model.encode(picture_runs.vectors(2000).test)
    low, high = seen["corners"]
    assert np.all(low <= np.percentile(z, 1, axis=0))
    assert np.all(high >= np.percentile(z, 99, axis=0))


def test_one_sample_far_away_does_not_squeeze_the_others():
    points = np.random.default_rng(0).standard_normal((2000, 2))
    corners = latents._corners(np.concatenate([points, [[1e9, 0]]]))
    assert np.all(np.abs(corners) < 4)


def test_pairs_are_of_one_class_and_use_no_row_twice():
    labels = np.array([0, 1, 1, 0, 2, 1, 0, 1, 0])
    a, b = choose_pairs(labels, 9, 10, seed=3)
    np.testing.assert_array_equal(labels[a], labels[b])
    assert len({*a, *b}) == 8
    assert len(choose_pairs(labels, 9, 2, seed=3)[0]) == 2
    for any_pair in (None, np.ones((9, 4), np.uint8)):
        a, b = choose_pairs(any_pair, 9, 10, seed=0)
        assert len({*a, *b}) == 8
    with pytest.raises(UserError, match="no two"):
        choose_pairs(np.arange(9), 9, 10, seed=0)


def test_the_middle_of_an_attribute_is_the_reconstruction(run, grids):
    dataset = picture_runs.images("attributes")
    odd, large = drawn("attributes", run, dataset, columns=3, strength=1.5, count=4)
    assert [odd.name, large.name] == ["attributes-odd", "attributes-large"]
    rows = grids[0].reshape(4, 3, 8, 8, 1)
    v = np.load(run.path / "directions" / "odd.npy")
    draw = [np.random.default_rng(0).permutation(n)[:2] for n in np.bincount(odd_digits(dataset))]
    chosen = np.concatenate([np.flatnonzero(odd_digits(dataset) == i)[draw[i]] for i in (0, 1)])
    z = run.model.encode(dataset.test[chosen])
    for column, t in enumerate((-1.5, 0, 1.5)):
        np.testing.assert_allclose(rows[:, column], run.model.decode(z + t * v), atol=1e-5)


def odd_digits(dataset):
    return dataset.test_labels[:, 0].astype(int)


def test_an_export_takes_the_directions(tmp_path, run):
    run = dataclasses.replace(run, path=tmp_path)
    dataset = picture_runs.images()
    drawn("attributes", run, dataset)
    found = export.read_directions(tmp_path, run.model.latent_dim)
    assert list(found) == list("0123456789")
    z, is_3 = run.model.encode(dataset.train), dataset.train_labels == 3
    np.testing.assert_allclose(found["3"], z[is_3].mean(0) - z[~is_3].mean(0), atol=1e-5)
    assert "edit" in ServedModel(run.model, found).signatures()


def test_directions_are_differences_of_mean_codes():
    draw = np.random.default_rng(0)
    x = draw.standard_normal((2500, 3)).astype(np.float32)
    has = draw.random((2500, 4)) < [0.5, 0.01, 0, 1]
    found = directions(x, has)
    assert found.dtype == np.float32
    for column in (0, 1):
        expected = x[has[:, column]].mean(0) - x[~has[:, column]].mean(0)
        np.testing.assert_allclose(found[column], expected, atol=1e-5)
    assert np.isnan(found[2:]).all()


def test_celeba_shows_the_attributes_of_the_paper():
    names = (*reversed(CELEBA_ATTRIBUTES), "Young")
    draw = np.random.default_rng(0).integers(0, 2, (20, 6), np.uint8)
    dataset = dataclasses.replace(
        picture_runs.images(), name="celeb_a", train_labels=draw, label_names=names
    )
    found, indicator = chosen_labels(dataset, None)
    assert found == CELEBA_ATTRIBUTES
    np.testing.assert_array_equal(indicator(draw), draw[:, 4::-1] == 1)
    assert chosen_labels(dataset, ("Young",))[0] == ("Young",)
    with pytest.raises(UserError, match=r"no 'Old'; it has Male, Smiling"):
        chosen_labels(dataset, ("Old",))
    with pytest.raises(UserError, match="no labels"):
        chosen_labels(picture_runs.images(None), None)


def test_a_class_without_train_examples_is_left_out(run, capsys):
    dataset = picture_runs.images("attributes")
    dataset.train_labels[:, 0] = 1
    (picture,) = drawn("attributes", run, dataset)
    assert picture.name == "attributes-large"
    assert "no direction of odd" in capsys.readouterr().err


def test_file_names_are_safe_and_differ():
    assert file_names(["T-shirt/top", "3", "a b", "a?b", "..", "é"]) == [
        "T-shirt_top",
        "3",
        "a_b_2",
        "a_b_3",
        "4",
        "é",
    ]


def test_nearest_neighbours_over_several_pieces(monkeypatch):
    monkeypatch.setattr("flexae_tf.pictures.neighbours._PIECE_BYTES", 7 * 4 * 5)
    draw = np.random.default_rng(0)
    database = draw.standard_normal((40, 5)).astype(np.float32)
    queries = draw.standard_normal((6, 5)).astype(np.float32)
    queries[2] = database[33]
    distances = np.linalg.norm(queries[:, None] - database, axis=-1)
    index = k_nearest(queries, database, 4)
    np.testing.assert_array_equal(index, distances.argsort(1)[:, :4])
    assert index[2, 0] == 33
    assert k_nearest(queries, database[:3], 4).shape == (6, 3)


def test_neighbours_by_pixels_and_by_features(run, grids, tmp_path):
    save_small_inception(tmp_path / "inception")
    dataset = picture_runs.images()
    chosen = {"count": 3, "neighbours": 2}
    by_pixels, by_features = drawn(
        "neighbours",
        run,
        dataset,
        make_extractor=lambda shape: choose(shape, tmp_path / "inception"),
        **chosen,
    )
    assert by_pixels.name == "neighbours-pixels"
    assert by_features.name == "neighbours-features"
    assert "Inception (TF-GAN)" in by_features.title
    x_hat = run.model.sample(3, 0)
    train = to_unit(dataset.train).reshape(200, -1)
    distances = np.linalg.norm(x_hat.reshape(3, 1, -1) - train, axis=-1)
    rows = grids[0].reshape(3, 4, 8, 8, 1)
    np.testing.assert_array_equal(rows[:, 0], figures.to_uint8(x_hat))
    assert (rows[:, 1] == 255).all()
    np.testing.assert_array_equal(rows[:, 2:], dataset.train[distances.argsort(1)[:, :2]])
    only = drawn(
        "neighbours",
        run,
        dataset,
        make_extractor=lambda shape: choose(shape, None, "pixels"),
        **chosen,
    )
    assert [picture.name for picture in only] == ["neighbours-pixels"]


@pytest.mark.parametrize("kind", ["samples", "neighbours"])
def test_a_model_without_a_prior_has_no_samples(kind, run):
    without = picture_runs.LinearModel()
    without.density = None
    run = dataclasses.replace(run, model=without)
    with pytest.raises(UserError, match="no prior of its own"):
        drawn(kind, run, picture_runs.vectors())
    assert len(drawn("latents", run, picture_runs.vectors())) == 1


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_a_plane_keeps_what_fits_into_it(dim):
    x = np.random.default_rng(0).standard_normal((30, dim)) * np.arange(dim, 0, -1)
    points = Plane(x)(x)
    assert points.shape == (30, 2)
    if dim <= 2:
        np.testing.assert_array_equal(points[:, :dim], x)
    else:
        centred = x - x.mean(0)
        two = np.linalg.svd(centred, compute_uv=False)[:2]
        np.testing.assert_allclose(np.linalg.norm(points, axis=0), two)


@pytest.mark.parametrize("wrong", [{"columns": 4}, {"columns": 1}, {"strength": 0.0}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match=f"--{next(iter(wrong))}"):
        pictures.Options(**wrong)


def test_a_folder_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "figures").write_text("in the way")
    run = dataclasses.replace(run, path=tmp_path)
    with pytest.raises(UserError, match=r"cannot write .*figures"):
        drawn("samples", run, picture_runs.images())
