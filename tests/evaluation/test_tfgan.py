"""TF-GAN's eval package is loaded, its `__init__` files are not."""

import subprocess
import sys

from flexae_tf.evaluation import tfgan


def test_eval_package_is_the_real_one():
    assert tfgan.evaluation().__name__ == "tensorflow_gan.python.eval"
    assert callable(tfgan.evaluation().frechet_classifier_distance_from_activations)


def test_parent_packages_are_bare():
    for name in ("tensorflow_gan", "tensorflow_gan.python"):
        package = sys.modules[name]
        assert getattr(package, "__file__", None) is None
        assert package.__spec__ is None
    assert "tensorflow_gan.python.train" not in sys.modules  # what `__init__` would import


def test_no_init_of_tensorflow_gan_is_executed_in_a_fresh_process():
    program = """
import sys
opened = []
def hook(event, arguments):
    if event == "exec" and "tensorflow_gan" in arguments[0].co_filename:
        opened.append(arguments[0].co_filename)
sys.addaudithook(hook)
from flexae_tf.evaluation import tfgan
tfgan.evaluation()
inits = [name for name in opened if name.endswith("__init__.py")]
assert len(inits) == 1 and inits[0].replace("\\\\", "/").endswith("python/eval/__init__.py"), inits
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
