"""Commands over the package: python -m tools.NAME."""

import flexae_tf  # noqa: F401  before TensorFlow, which it prepares, whatever a tool imports first
