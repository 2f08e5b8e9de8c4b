"""A paper's value is beside a run with the settings it was reported for, and else the reason."""

import dataclasses

import pytest

from flexae_tf import methods
from flexae_tf.evaluation import paper_values as paper
from flexae_tf.evaluation import sources
from flexae_tf.evaluation.protocol import MASK_AAE, RAE, RELEASED, STANDARD


def row_of(title, dataset):
    return next(row for row in sources.rows() if (row.title, row.dataset) == (title, dataset))


def record_of(row, protocol=RAE, density="own", checkpoint=None, **changes):
    """A record of a run that has a row's settings, but for `changes`."""
    first = {k: v[0] if isinstance(v, list) else v for k, v in row.settings.items()}
    words = {"": None, "> 0": 0.5}
    settings = {k: words.get(v, v) if isinstance(v, str) else v for k, v in first.items()} | changes
    return {
        "dataset": row.dataset,
        "settings": settings,
        "density": density,
        "protocol": dataclasses.asdict(protocol),
        "checkpoint": settings.get("training_steps") if checkpoint is None else checkpoint,
        "trained_steps": settings.get("training_steps"),
        "is_validated_best": True,
    }


RAE_L2 = row_of("RAE, Tables 1 and 2, RAE-L2", "mnist")
FLEXAE_SR = row_of("FlexAE, Tables 1, 2 and 4, FlexAE-SR", "cifar10")


def test_a_run_with_the_settings_has_the_values():
    values = paper.paper_values(record_of(RAE_L2, density="gmm"))
    assert (values["reconstruction/fid"], values["interpolation/fid"]) == (10.53, 14.54)
    assert values["generation/fid"] == 8.69
    assert (values["generation/prd_f1_8"], values["generation/prd_f8"]) == (0.98, 0.98)
    of_n = paper.paper_values(record_of(RAE_L2, density="gaussian"))
    assert (of_n["generation/fid"], of_n["generation/prd_f8"]) == (22.22, 0.87)


@pytest.mark.parametrize("row", sources.rows(), ids=lambda row: f"{row.title}, {row.dataset}")
def test_the_best_of_other_checkpoints_is_another_value(row):
    other = RELEASED if row.source == "MaskAAE" else MASK_AAE
    for density in {density for density, _ in row.values} - {None}:
        found = paper.paper_values(record_of(row, other, density), row.source)
        assert "generation/fid" not in found


@pytest.mark.parametrize("row", sources.rows(), ids=lambda row: f"{row.title}, {row.dataset}")
def test_every_reproducible_row_finds_itself(row):
    protocol = RELEASED if row.protocol.get("generation/fid", {}).get("stretch") else RAE
    if row.source == "Two-stage VAE":
        protocol = dataclasses.replace(protocol, first_step=None)
    if row.source == "MaskAAE":
        protocol = MASK_AAE
    for density in {density for density, _ in row.values} - {None}:
        found = paper.paper_values(record_of(row, protocol, density), row.source)
        expected = {k: v for (d, k), v in row.values.items() if d in (None, density)}
        assert (expected.items() <= found.items()) == row.reproducible


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"latent_dim": 32}, "paper: m = 16, run: 32"),
        ({"pad": None}, "paper: pad = 32, run: unset"),
        ({"regularizer_weight": 2e-4}, "paper: regularizer_weight = 0.0001024, run: 0.0002"),
        ({"networks": "flexae"}, "paper: networks = rae, run: flexae"),
        ({"train_examples": 5000}, "paper: train_examples = unset, run: 5000"),
        ({"keep_best": False}, "paper: keep_best = True, run: False"),
    ],
)
def test_another_setting_is_a_dash_and_a_reason(changes, reason):
    record = record_of(RAE_L2, density="gmm", **changes)
    values = paper.paper_values(record)
    assert not [key for key in values if "train" not in key]
    assert f"{RAE_L2.title}: {reason}" in paper.explain(record)
    same = paper.explain(record_of(RAE_L2, density="gmm"))
    assert not [line for line in same if line.startswith(RAE_L2.title)]


def test_settings_of_four_digits_are_the_same():
    weights = {"regularizer_weight": 0.0001024, "latent_norm_weight": 0.0128}
    schedule = {"autoencoder_schedule": "plateau:factor=0.5,patience=5,min_delta=0.1024"}
    assert (
        paper.differing_settings(RAE_L2, record_of(RAE_L2, **weights, **schedule)["settings"]) == []
    )
    other = {"autoencoder_schedule": "plateau:factor=0.5,patience=6,min_delta=0.1024"}
    assert paper.differing_settings(RAE_L2, record_of(RAE_L2, **other)["settings"])


def test_another_density_has_the_values_that_do_not_depend_on_it():
    record = record_of(RAE_L2, density="standard_normal")
    values = paper.paper_values(record)
    assert values["reconstruction/fid"] == 10.53
    assert "generation/fid" not in values
    # The nearest row comes first.
    assert paper.explain(record)[0] == (
        f"{RAE_L2.title}: paper: density = gaussian or gmm, run: standard_normal"
    )


def test_another_protocol_has_only_what_it_does_not_decide():
    record = record_of(FLEXAE_SR, STANDARD)
    values = paper.paper_values(record)
    assert not [key for key in values if "fid" in key]
    assert values["generation/prd_f1_8"] == 0.79
    assert "paper: stretch = True, measured: False" in "; ".join(paper.explain(record))
    released = record_of(FLEXAE_SR, RELEASED, checkpoint={"generation": 90_000})
    assert paper.paper_values(released)["generation/fid"] == 54.61
    fewer = record_of(FLEXAE_SR, dataclasses.replace(RELEASED, count=2000))
    assert not paper.paper_values(fewer)


def test_a_checkpoint_before_the_end_is_not_the_papers():
    record = record_of(FLEXAE_SR, STANDARD, checkpoint=50_000)
    assert "generation/prd_f8" not in paper.paper_values(record)
    assert "paper: 130000 iterations, checkpoint: 50000" in "; ".join(paper.explain(record))


def test_where_the_source_takes_the_best_by_validation_that_one_counts():
    best = record_of(RAE_L2, density="gmm", checkpoint=31_500)
    assert paper.paper_values(best)["generation/fid"] == 8.69
    newest = best | {"is_validated_best": False, "checkpoint": 50_000}
    assert "generation/fid" not in paper.paper_values(newest)
    assert paper.explain(newest)[0].endswith("validated best, measured: another")
    early = best | {"trained_steps": 32_000}
    assert paper.explain(early)[0].endswith("paper: the best of 50000 iterations, run: 32000")


def test_the_released_programs_dimensions_are_table_3s():
    program = record_of(FLEXAE_SR, RELEASED, variant="released", latent_dim=128, noise_dim=128)
    values = paper.paper_values(program)
    assert (values["reconstruction/fid"], values["generation/fid"]) == (43.59, 53.94)
    assert paper.rows_with_values(program)[-1] == "FlexAE, Table 3, FlexAE-SR, m = 2 m_b"
    reasons = "; ".join(paper.explain(program))
    assert "paper: m = 64, run: 128" in reasons
    assert "paper: variant = paper, run: released" in reasons


def test_what_depends_on_the_data_alone_needs_no_settings():
    record = {"dataset": "mnist", "protocol": dataclasses.asdict(STANDARD), "checkpoint": 3}
    assert paper.paper_values(record) == {
        "pms/train_train": 4.72,
        "ims/train_train": 7.11,
        "pms/train_test": 4.77,
        "ims/train_test": 7.12,
    }
    assert paper.explain(record) == ["the report does not say the run's settings: measure it again"]
    assert paper.paper_values(record | {"dataset": "digits"}) == {}


def test_an_intended_departure_is_no_difference():
    departure = sources.Departure("batch_size", 100, 64, "memory")
    row = dataclasses.replace(RAE_L2, departures=(departure,))
    for batch, differs in ((100, False), (64, False), (32, True)):
        settings = record_of(RAE_L2, batch_size=batch)["settings"]
        assert bool(paper.differing_settings(row, settings)) == differs


def test_model_names_from_settings():
    for expected, settings in {
        "RAE": {"method": "rae", "regularizer": "none"},
        "RAE-L2": {"method": "rae", "regularizer": "l2"},
        "RAE-GP": {"method": "rae", "regularizer": "gradient_penalty"},
        "RAE-SN": {"method": "rae", "regularizer": "spectral_norm"},
        "AE": {"method": "ae", "weight_decay_weight": 0.0},
        "AE-L2": {"method": "ae", "weight_decay_weight": 0.1},
        "VAE": {"method": "vae", "likelihood": "fixed_variance"},
        "VAE (learned variance)": {"method": "vae", "likelihood": "learned_variance"},
        "WAE-MMD": {"method": "wae_mmd"},
        "CV-VAE": {"method": "cv_vae"},
    }.items():
        assert paper.model_name(settings) == expected


def test_every_method_has_a_name():
    for name in methods.names():
        settings = {k: s.default for k, s in methods.find(name).settings("paper").items()}
        assert paper.model_name({"method": name} | settings) != name
