"""Minibatches of the train set for every replica of a strategy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from flexae_tf.data import draws


class Drawing:
    """Draws what an iteration takes and hands each replica its part of it.

    Args:
      strategy: the tf.distribute strategy.
      images: the train set, uint8 [N, H, W, C] or float32 [N, D].
      batch_size: global batch size B, a multiple of the replicas. seed: the run's seed.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, images: np.ndarray, batch_size: int, seed: int
    ) -> None:
        self._strategy, self._images = strategy, images
        self._batch_size, self._seed = batch_size, seed

    def minibatches(
        self, spec: Mapping[str, Any], count: int, stream: int, numbers: range
    ) -> tf.distribute.DistributedDataset:
        """The minibatches of successive iterations.

        Args:
          spec: draw specification (see `draws`).
          count: minibatches per iteration.
          stream: one of the streams of `draws`.
          numbers: the iterations to draw for.

        Returns:
          A distributed dataset of tuples of `count` records, images as they are stored.
        """

        def of_worker(context):
            return draws.pipeline(
                spec,
                self._images,
                count=count,
                batch_size=self._batch_size,
                seed=self._seed,
                stream=stream,
                numbers=numbers,
                shard=(context.input_pipeline_id, context.num_input_pipelines),
                replicas=context.num_replicas_in_sync // context.num_input_pipelines,
            )

        return self._strategy.distribute_datasets_from_function(of_worker)
