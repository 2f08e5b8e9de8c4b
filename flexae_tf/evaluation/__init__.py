"""Measures of a generative model: arrays in, numbers out.

Conventions throughout:
  * images are uint8 [N, H, W, C] or float32 [N, H, W, C] in [0, 1]; vectors are float32 [N, D];
  * features (activations) are [N, d], one row per image;
  * a function of two sets takes them by keyword, `real=` and `generated=`, because swapping them
    exchanges precision and recall without any error;
  * a set that cannot be measured raises `flexae_tf.errors.UserError`.
"""
