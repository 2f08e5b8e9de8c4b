"""What TensorBoard's HPARAMS reads of several runs."""

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import metadata

from flexae_tf.errors import UserError
from flexae_tf.report import comparison, hparams
from flexae_tf.report.hparams import Trial
from flexae_tf.training import event_files
from tests.report.test_comparison import trained
from tests.report.test_measures import measured


def settings(folder):
    """{flag: value} of the one trial whose events are in a folder."""
    (path,) = folder.glob("events.out.tfevents.*")
    (content,) = [
        value.metadata.plugin_data.content
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
        if value.tag == metadata.SESSION_START_INFO_TAG
    ]
    found = metadata.parse_session_start_info_plugin_data(content).hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


def test_settings_are_of_their_kinds(tmp_path):
    varied = {"beta": "0.5", "method": "vae", "ema": True, "latent_dim": 8, "sigma": None}
    for fid in (9.0, 7.0):  # the second replaces the first
        hparams.write(tmp_path, [Trial("a=1,b=2", varied, {"generation/fid": fid})])
    found = settings(tmp_path / "a=1,b=2")
    assert found == {"beta": 0.5, "method": "vae", "ema": True, "latent_dim": 8}
    scalars = event_files.read_scalars(tmp_path / "a=1,b=2")
    assert {tag: (list(n), list(v)) for tag, (n, v) in scalars.items()} == {
        "metrics/generation/fid": ([0], [7.0])
    }


def test_compared_runs_have_what_they_differ_in(tmp_path):
    paths = [trained(tmp_path / name, method=name, seed=5) for name in ("vae", "ae")]
    measured(paths[0], 1.5, name="3.gmm", density="gmm")
    hparams.write_compared(tmp_path / "out", comparison.load(paths))
    found = settings(tmp_path / "out" / "vae")
    assert (found["method"], found["seed"], found["density"]) == ("vae", 5, "gmm")
    assert "latent_dim" not in found
    assert settings(tmp_path / "out" / "ae")["method"] == "ae"
    assert event_files.read_scalars(tmp_path / "out" / "vae").keys() == {"metrics/generation/fid"}
    assert not event_files.read_scalars(tmp_path / "out" / "ae")


def test_a_folder_that_cannot_be_written_is_a_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        hparams.write(tmp_path / "file", [Trial("a", {}, {})])
