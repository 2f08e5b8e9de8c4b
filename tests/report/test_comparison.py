"""Which runs are compared, which are seeds of one another, what differs."""

import json

import pytest

from flexae_tf.errors import UserError
from flexae_tf.report import comparison
from tests import picture_runs


def trained(path, iteration=3, **flags):
    """A run directory that has the name of a checkpoint, which is all that is looked at."""
    directory, _ = picture_runs.adopted(path, **flags)
    (directory.checkpoints / f"ckpt-{iteration}.index").touch()
    return path


def test_runs_that_differ_in_their_seed_are_a_group(tmp_path):
    paths = [
        trained(tmp_path / "vae-0", method="vae"),
        trained(tmp_path / "ae", method="ae"),
        trained(tmp_path / "vae-1", method="vae", seed=1),
        trained(tmp_path / "wide", method="ae", latent_dim=8),
    ]
    groups = comparison.load(paths)
    assert [group.label for group in groups] == ["VAE", "AE (latent_dim=4)", "AE (latent_dim=8)"]
    assert [[run.name for run in group.runs] for group in groups] == [
        ["vae-0", "vae-1"],
        ["ae"],
        ["wide"],
    ]
    assert {run.iteration for group in groups for run in group.runs} == {3}


def test_names_tell_runs_apart(tmp_path):
    paths = [trained(tmp_path / name / "run", seed=seed) for seed, name in enumerate("ab")]
    (group,) = comparison.load(paths)
    assert [run.name for run in group.runs] == ["a/run", "b/run"]


def test_what_cannot_be_compared_is_named(tmp_path):
    first = trained(tmp_path / "first")
    longer = trained(tmp_path / "longer", iteration=5, seed=1)
    other = trained(tmp_path / "other", seed=2)
    record = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps(record | {"data_fingerprint": "another"}))
    for paths, checkpoint, message in [
        ([first], None, "expected two run directories or more"),
        ([first, tmp_path / "other" / ".." / "first"], None, "twice"),
        ([first, tmp_path / "nowhere"], None, "nowhere is not a run directory"),
        ([first, other], None, "first and other were trained on different data"),
        ([first, longer], None, "first is at iteration 3 and longer, which differs in its seed"),
        ([first, longer], 3, "longer has no checkpoint of iteration 3"),
        ([first, longer], "best", "first has no best checkpoint"),
    ]:
        with pytest.raises(UserError, match=message):
            comparison.load(paths, checkpoint)


def test_lengths_of_training_may_differ_between_groups(tmp_path):
    paths = [trained(tmp_path / "a"), trained(tmp_path / "b", iteration=5, latent_dim=8)]
    paths.append(picture_runs.adopted(tmp_path / "c", seed=1)[0].path)
    iterations = [[run.iteration for run in group.runs] for group in comparison.load(paths)]
    assert iterations == [[3, None], [5]]


def test_what_differs_and_what_is_in_common():
    settings = [
        {"seed": 0, "m": 2, "beta": None, "rate": 0.1, "data_dir": "a"},
        {"seed": 1, "m": 3, "rate": 0.1, "data_dir": "b"},
    ]
    assert comparison.differing(settings) == (["m", "beta"], {"rate": 0.1})
