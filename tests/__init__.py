"""The tests; a module of them may import TensorFlow first."""

import flexae_tf  # noqa: F401  before TensorFlow, which it prepares
