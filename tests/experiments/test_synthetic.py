"""The synthetic experiments: what is trained, what is measured, and what it is turned into."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from flexae_tf import runs, settings
from flexae_tf.data import draws
from flexae_tf.data.synthetic import MEANS
from flexae_tf.errors import UserError
from flexae_tf.evaluation.frechet import frechet_distance
from flexae_tf.experiments import claims, synthetic, synthetic_figures, synthetic_measures
from flexae_tf.training.trainer import Trainer

SEEDS = (0, 1)


def summary(curves):
    return claims.summary(curves, synthetic_measures.MEASURES)


def train(task):
    """Trains a task's run in this process."""
    values = task.training.values
    dataset = settings.load_dataset(values)
    run = task.training.directory
    run.create()
    run.adopt(settings.resolved(dataset.shape, values), settings.FREE, dataset)
    options = settings.trainer_options(values)
    Trainer(lambda: settings.build_method(dataset.shape, values), dataset, options, run).train()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """{model: its task}, models of Figure 3 after four iterations."""
    folder, experiment = tmp_path_factory.mktemp("figure3"), synthetic.FIGURES["3"]
    models = ("vae", "wae_gmm", "flexae")
    tasks = {m: synthetic.SyntheticRun(experiment, m, 0, folder, 4, 2) for m in models}
    for task in tasks.values():
        train(task)
    return tasks


def curves(**last):
    """Made-up curves of two checkpoints that end in `last`."""
    return {"iterations": [10, 20]} | {name: [2 * v, v] for name, v in last.items()}


def made_up(experiment, scale=0.1):
    """{model: {seed: curves}}, the models in steps of 1 and the seeds in steps of `scale`."""
    found = {}
    for number, model in enumerate(reversed(experiment.models)):
        names = [n for n in synthetic_measures.MEASURES if (model, n) != ("vae", "critic_gap")]
        found[model] = {s: curves(**dict.fromkeys(names, 1 + number + scale * s)) for s in SEEDS}
    return found


def test_models_differ_in_nothing_but_their_own_flags(tmp_path):
    for experiment in synthetic.FIGURES.values():
        tasks = [
            synthetic.SyntheticRun(experiment, m, 0, tmp_path, 8, 4) for m in experiment.models
        ]
        resolved = [settings.resolved((128,), task.training.values) for task in tasks]
        for name in set.intersection(*(set(each) for each in resolved)) - {"method"}:
            assert len({each[name] for each in resolved}) == 1, name
        assert resolved[0]["latent_dim"] == experiment.latent_dim
        assert resolved[0]["autoencoder_learning_rate"] == 2e-4


def test_the_encoders_rate_is_that_of_all_models_with_a_critic(tmp_path):
    experiment = synthetic.FIGURES["3"]
    for model in experiment.models:
        task = synthetic.SyntheticRun(
            experiment, model, 0, tmp_path, 8, 4, encoder_learning_rate=2e-4
        )
        resolved = settings.resolved((128,), task.training.values)
        assert resolved.get("encoder_learning_rate") == (None if model == "vae" else 2e-4)


def test_a_run_is_trained_then_measured_then_done(trained):
    task = trained["flexae"]
    run_dir = task.training.directory.path
    command = task.next_command()
    assert command.arguments[1:] == ["-m", "tools.synthetic", f"--run_dir={run_dir}"]
    found = synthetic_measures.measure(run_dir)
    assert found["iterations"] == [2, 4]
    assert set(found) == {"iterations", *synthetic_measures.MEASURES}
    assert task.next_command() is None
    assert task.curves() == found


def test_other_iterations_of_a_trained_run(trained):
    def again(*steps):
        return synthetic.SyntheticRun(synthetic.FIGURES["3"], "wae_gmm", 0, folder, *steps)

    folder = trained["wae_gmm"].training.directory.path.parent
    synthetic_measures.measure(folder / "wae_gmm-seed0")
    assert again(6, 2).next_command().arguments[2] == "flexae_tf.train"
    shorter = again(2, 2)
    assert shorter.next_command() is None
    assert {len(values) for values in shorter.curves().values()} == {1}
    with pytest.raises(UserError, match="no checkpoint of iteration 1:"):
        again(4, 1).next_command()


def test_measures_of_a_checkpoint_are_what_they_say(trained):
    run = runs.load(trained["wae_gmm"].training.directory.path)
    x = run.load_dataset().test[:500]
    found = synthetic_measures.measures(run, x)
    z = run.model.encode(x)
    z_hat = np.asarray(run.model.density.noise(draws.key(0, draws.PICTURES, run.iteration), len(x)))
    critic = run.networks["latent_critic"]
    gap = np.mean(critic(z)) - np.mean(critic(z_hat))
    assert found["critic_gap"] == pytest.approx(float(gap), abs=1e-5)
    error = np.mean(np.sum((run.model.reconstruct(x) - x) ** 2, axis=1))
    assert found["reconstruction_error"] == pytest.approx(float(error), rel=1e-5)
    distance = frechet_distance(real=x, generated=run.model.decode(z_hat))
    assert found["frechet_distance"] == pytest.approx(distance, rel=1e-6)
    scale = np.sqrt(np.mean(np.var(z, axis=0)))
    relative = found["sliced_wasserstein"] / scale
    assert found["relative_sliced_wasserstein"] == pytest.approx(float(relative), rel=1e-5)


def test_a_vae_has_no_critic_and_its_codes_are_drawn(trained):
    run = runs.load(trained["vae"].training.directory.path)
    x = run.load_dataset().test[:2000]
    assert "critic_gap" not in synthetic_measures.measures(run, x)
    mu = run.model.encode(x)
    _, sigma = run.model.encode_distribution(x)
    deviations = (synthetic_measures.posterior_samples(run, x) - mu) / np.asarray(sigma)
    assert np.std(deviations) == pytest.approx(1, abs=0.05)
    assert np.mean(deviations) == pytest.approx(0, abs=0.05)


def test_samples_are_fresh_at_every_checkpoint(trained):
    path = trained["wae_gmm"].training.directory.path
    early, late = (synthetic_measures.prior_samples(runs.load(path, i), 3000) for i in (2, 4))
    assert not np.any(np.all(early == late, axis=1))
    nearest = np.argmin(np.linalg.norm(late[:, None] - MEANS[None, :, :2], axis=2), axis=1)
    assert np.bincount(nearest).tolist() == pytest.approx([500] * 6, abs=100)


def test_other_data_are_refused(trained, tmp_path):
    path = trained["vae"].training.directory.path
    with pytest.raises(UserError, match="not a run directory"):
        synthetic_measures.measure(tmp_path)
    done = synthetic_measures.measure(path)
    assert done["iterations"] == [2, 4]
    assert "critic_gap" not in done


def test_true_latents_are_those_behind_the_test_data():
    z, component = synthetic.true_latents(synthetic.FIGURES["3"])
    assert z.shape == (10_000, 2)
    np.testing.assert_allclose(z[component == 4].mean(0), [-2, -7], atol=0.1)


def test_summary_is_mean_and_sample_deviation_of_the_last_checkpoints():
    found = summary({"vae": {0: curves(frechet_distance=1.0), 1: curves(frechet_distance=3.0)}})
    mean, deviation = found["vae"]["frechet_distance"]
    assert (mean, deviation) == (2.0, pytest.approx(np.sqrt(2)))
    assert summary({"vae": {0: curves(critic_gap=1.0)}})["vae"]["critic_gap"] == (1, None)


@pytest.mark.parametrize(("scale", "holds"), [(0.1, True), (3.0, False)])
def test_a_claim_holds_only_beyond_the_spread(scale, holds):
    experiment = synthetic.FIGURES["2"]
    found = summary(made_up(experiment, scale))
    verdicts = claims.verdicts(experiment.claims, found)
    assert [v["measure"] for v in verdicts] == [claim[0] for claim in experiment.claims]
    for verdict in verdicts:
        assert verdict["difference"] == pytest.approx(1)
        assert verdict["spread"] == pytest.approx(2 * scale / np.sqrt(2))
        assert verdict["holds"] is holds
    line = synthetic_figures.sentence(verdicts[-1])
    assert line.startswith("yes" if holds else "no")
    assert "Frechet distance of FlexAE is below that of WAE, normal prior" in line


def test_one_seed_settles_nothing():
    experiment = synthetic.FIGURES["2"]
    single = {m: {0: by_seed[0]} for m, by_seed in made_up(experiment).items()}
    verdict = claims.verdicts(experiment.claims, summary(single))[0]
    assert (verdict["spread"], verdict["holds"]) == (None, None)
    assert synthetic_figures.sentence(verdict).startswith("one seed")


def test_table_has_a_row_per_model_and_a_dash_for_no_critic():
    lines = synthetic_figures.table(summary(made_up(synthetic.FIGURES["3"]))).splitlines()
    assert len(lines) == 5
    assert len({len(line) for line in lines}) == 1
    assert re.search(r"^VAE .* - ", lines[-1])
    assert "1.05 ± 0.071" in lines[1]


def test_figure_3_shows_latent_spaces_and_curves(trained, tmp_path):
    experiment = synthetic.FIGURES["3"]
    found = summary(made_up(experiment))
    paths = synthetic_figures.write(
        experiment, list(trained.values()), made_up(experiment), found, tmp_path
    )
    names = ["figure3.png", "figure3.svg", "figure3_curves.png", "figure3_curves.svg"]
    assert [path.name for path in paths] == names
    for path in paths[::2]:
        assert len(np.unique(np.asarray(Image.open(path).convert("RGB")))) > 50
    for path in paths[1::2]:
        assert ET.parse(path).getroot().tag.endswith("svg")


def test_json_has_every_curve_and_setting(trained, tmp_path):
    experiment = synthetic.FIGURES["3"]
    by_model = {m: {0: seeds[0]} for m, seeds in made_up(experiment).items()}
    found = summary(by_model)
    verdicts = claims.verdicts(experiment.claims, found)
    path = synthetic_figures.write_json(
        experiment, list(trained.values()), by_model, found, verdicts, tmp_path
    )
    record = json.loads(path.read_text())
    assert [run["model"] for run in record["runs"]] == list(trained)
    assert record["runs"][0]["curves"] == by_model["vae"][0]
    assert record["runs"][0]["settings"]["autoencoder_learning_rate"] == "0.0002"
    assert record["runs"][0]["provenance"]["versions"]["tensorflow"]
    assert record["final"]["flexae"]["frechet_distance"] == {"mean": 1.0, "std": None}
    # 10,000 vectors against 10,000 of the same distribution.
    assert 0 < record["data_frechet_distance"] < 0.05


def command(folder, *flags):
    small = ("--figure=2", "--seeds=0", "--training_steps=4", "--measure_every_steps=2")
    return [sys.executable, "-m", "tools.synthetic", f"--output_dir={folder}", *small, *flags]


@pytest.mark.slow
def test_a_figure_from_the_command_line_and_once_more(tmp_path):
    done = subprocess.run(command(tmp_path), capture_output=True, text=True, check=True)
    assert (tmp_path / "figure2.png").read_bytes().startswith(b"\x89PNG")
    assert {run["seed"] for run in json.loads((tmp_path / "figure2.json").read_text())["runs"]} == {
        0
    }
    log = (tmp_path / "flexae-seed0.log").read_text()
    again = subprocess.run(command(tmp_path), capture_output=True, text=True, check=True)
    assert again.stdout == done.stdout
    assert (tmp_path / "flexae-seed0.log").read_text() == log


@pytest.mark.slow
def test_a_mistake_is_one_line(tmp_path):
    done = subprocess.run(
        command(tmp_path, "--seeds=0,0"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --seeds must be different numbers")
