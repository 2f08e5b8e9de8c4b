"""What is no mean over examples: losses, and averages, that take all replicas' part."""

from __future__ import annotations

import tensorflow as tf

from flexae_tf.errors import UserError


def sum_over_replicas(tensor: tf.Tensor) -> tf.Tensor:
    """The sum of the replicas' tensors of one shape, within their steps; elsewhere the tensor."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


def of_all_replicas(rows: tf.Tensor, xla: bool) -> tf.Tensor:
    """The rows [B, n] of all replicas, one after another.

    Args:
      rows: those of this replica.
      xla: whether the method is compiled (`Method.xla`).

    Raises:
      UserError: XLA is to compile it above one replica.
    """
    context = tf.distribute.get_replica_context()
    # None outside of the replicas' steps.
    if context is None or context.num_replicas_in_sync == 1:
        return rows
    if xla:
        raise UserError(
            "codes are compared with each other across replicas, which XLA cannot compile: "
            "leave --xla out or use one device"
        )
    # A sum of rows in their places, because gradients of all_gather collide on the CPU.
    place = tf.one_hot(context.replica_id_in_sync_group, context.num_replicas_in_sync)
    placed = place[:, None, None] * rows[None]  # [replicas, B, n]
    return tf.reshape(sum_over_replicas(placed), [-1, rows.shape[1]])
