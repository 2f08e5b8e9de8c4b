"""Every command line of README and docs/, as it stands but smaller: few iterations, small data.

A command that is new in a document is a new test. What cannot be run here is in `ELSEWHERE`, with
the reason; a line there that no document has any more fails as well.
"""

import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ELSEWHERE = {
    "-m venv .venv": "an empty environment is what .ci/run makes, for README's two commands",
    "pip install": "needs the package index; tests/test_install.py installs the package",
    "docker run": "needs Docker; tests/tools/test_serving_client.py has a server of its own",
    "curl": "needs that server",
    "tools.serving_client": "needs that server",
    "worker_hosts": "the reader's hosts; tests/training/test_multi_worker.py has two workers",
    "tools.sources": "tests/tools/test_sources.py; it writes into docs/",
    "tools.benchmark": "tests/tools/test_benchmark.py and test_benchmark_peers.py",
}
# Shapes of the data that stand for the real ones; a config's name or a flag tells which.
SHAPES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3), "celeba": (64, 64, 3)}
# What they vary depends on the data set, which is not at hand: they only list their runs.
BY_DATA_SET = ("--sweep=latent_dim", "--sweep=generator_capacity", "--sweep=mask")
METHODS = ("flexae_sr", "flow_vae", "mask_aae", "rae", "vae", "vunet")


def commands():
    """Command lines of all documents, in indented blocks and in sentences, once each."""
    found = {}
    for document in DOCUMENTS:
        text = re.sub(r"\\\n\s*", "", document.read_text())
        inline = re.findall(
            r"`(python -m [^`]*)`", re.sub(r"^ {4}.*", "", text, flags=re.MULTILINE)
        )
        for line in [*re.findall(r"^ {4}(?:\$ )?(\S.*)$", text, re.MULTILINE), *inline]:
            line = re.sub(r"\s+#.*$", "", line)
            if re.search(r"\bpython3? -m |\bpip install|\bdocker |\bcurl ", line):
                found.setdefault(line, document.name)
    return found


def elsewhere(line):
    return next((part for part in ELSEWHERE if part in line), None)


RUN_HERE = [line for line in commands() if not elsewhere(line)]


def test_there_are_commands_and_no_reason_is_left_over():
    assert len(RUN_HERE) > 30
    for part in ELSEWHERE:
        assert any(elsewhere(line) == part for line in commands()), part


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A folder with data of every shape, photographs, samples, and a short run of each method."""
    folder = tmp_path_factory.mktemp("material")
    draw = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        x = draw.integers(0, 256, (100, *shape), dtype=np.uint8)
        y = draw.integers(0, 10, 100)
        np.savez(
            folder / f"{name}.npz", x_train=x[:60], x_test=x[60:], y_train=y[:60], y_test=y[60:]
        )
    np.savez(folder / "samples.npz", x_train=x[:40, :32, :32], x_test=x[:40, :32, :32])
    (folder / "photos").mkdir()
    for number in range(30):
        Image.fromarray(x[number]).save(folder / "photos" / f"{number}.png")
    for method in METHODS:
        data_flags = ["--dataset=digits", "--latent_dim=4"]
        if method == "vunet":
            data_flags = ["--dataset=stick_figures", "--image_size=16", "--unet_width=4"]
        flags = [*data_flags, f"--method={method}", "--batch_size=16"]
        flags += ["--training_steps=2", "--log_every_steps=1", f"--run_dir={folder / method}"]
        flags += ["--validation_images=50", "--validate_every_steps=1", "--keep_best"]
        flags += ["--first_stage_steps=1"] if method == "flow_vae" else []
        run(["flexae_tf.train", *flags], folder)
    return folder


def run(arguments, folder):
    finished = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout


def environment():
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path}


def training(words, material):
    """Flags that make a training small."""
    text = " ".join(words)
    flags = ["--training_steps=2", "--batch_size=4", "--log_every_steps=1", "--test_images=20"]
    flags += ["--first_stage_steps=1"] if "flow_vae" in text else []
    if "--dataset=folder" in text:
        return [*flags, f"--data_dir={material / 'photos'}", "--image_size=16"]
    if "stick_figures" in text:
        return [*flags, "--image_size=16", "--unet_width=4"]
    if "digits" in text:
        return flags
    shape = next(name for name in SHAPES if name in text.replace("fashion_", ""))
    return [*flags, "--dataset=npz", f"--data_dir={material / shape}.npz", "--nodownload"]


def with_runs(words, material, folder):
    """Copies the run that stands for each run directory that a command reads."""
    for word in words:
        name, _, value = word.partition("=")
        for path in value.split(",") if name == "--run_dirs" else [value]:
            target = folder / path.removesuffix("/export")
            if name in ("--run_dir", "--run_dirs", "--export") and not target.exists():
                known = path.replace("mask", "mask_aae")
                method = next((name for name in METHODS if name in known), "vae")
                shutil.copytree(material / method, target)
                if path.endswith("/export"):
                    run(["tools.export", f"--run_dir={target}"], folder)


def smaller(words, material, folder):
    """The module and flags of a command line, made small; runs that it needs are put in place."""
    module, flags = words[0], list(words[1:])
    end = flags.index("--") if "--" in flags else len(flags)
    own, train = flags[:end], flags[end + 1 :]
    if module == "flexae_tf.train":
        return [*words, *training(words, material)]
    if module == "tools.launch":
        return [*words, *training(words, material)]
    if module in ("tools.sweep", "tools.config_table"):
        if own[0] in BY_DATA_SET:
            return [module, *own, "--dry_run", "--", *train]
        if module == "tools.sweep":
            own += ["--shard=0/1000"]
        else:
            (folder / "one").mkdir()
            config = folder / "one" / "vae.cfg"
            config.write_text("--flagfile=configs/rae_table/mnist/vae.cfg\n")
            own = [word for word in own if not word.startswith(("--seeds", "--several"))]
            own += [f"--configs={config.parent}"]
            train += ["--networks=flexae", "--validation_images=20", "--validate_every_steps=1"]
            train = [word for word in train if not word.startswith("--train_examples")]
        measured = [word for word in own if word.startswith("--evaluate=")] or ["--evaluate="]
        own = [word for word in own if word not in measured]
        own += [f"{measured[0]} --features=pixels --count=20"]
        return [module, *own, "--", *train, *training(flags, material)]
    if module == "tools.convergence":
        (folder / "one").mkdir()
        (folder / "one" / "vae.cfg").write_text("--flagfile=configs/convergence/vae.cfg\n")
        own += [f"--configs={folder / 'one'}", "--seeds=1", "--classifier_epochs=1"]
        own += ["--evaluate=--count=20"]
        return [module, *own, "--", *train, *training([*flags, "digits"], material)]
    if module == "tools.train_classifier":
        return [module, *own, "--dataset=digits", "--epochs=1", f"--cache_dir={folder}"]
    if module == "tools.synthetic":
        dims = ["--latent_dims=4"] if "--figure=5a" in flags else []
        return [*words, *dims, "--seeds=0", "--training_steps=4", "--measure_every_steps=2"]
    with_runs(own, material, folder)
    small = {
        "tools.evaluate": ["--features=pixels", "--count=20"],
        "tools.figures": ["--count=4"],
        "tools.explore": ["--port=0"],
    }
    if "--measures" in " ".join(own):
        small["tools.evaluate"] += ["--likelihood_images=4", "--likelihood_samples=3"]
        small["tools.evaluate"] += ["--path_length_pairs=4", "--separability_samples=200"]
    images = {"--real=cifar10": f"--real={material / 'cifar10.npz'}"}
    images["--generated=samples.npz"] = f"--generated={material / 'samples.npz'}"
    own = [images.get(word, word).replace("second_stage", "gaussian") for word in own]
    return [module, *own, *small.get(module, [])]


@pytest.mark.parametrize("line", RUN_HERE)
def test_a_command_does_what_the_document_says(line, material, tmp_path):
    words = shlex.split(re.sub(r"^.*?python3? -m ", "", line))
    words = [word.replace(",...", ",runs/vae").replace("=...", "=digits") for word in words]
    words = [word for word in words if word not in ("--data_dir=digits", "--download")]
    command = smaller(words, material, tmp_path)
    if command[0] != "tools.explore":
        assert run(command, tmp_path).strip()
        return
    pytest.importorskip("dash", reason="needs requirements-explore.txt")
    arguments = [sys.executable, "-m", *command]
    process = subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    process.wait()
