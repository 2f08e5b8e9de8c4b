"""Calls the signatures of an exported model on a running TensorFlow Serving.

    python -m tools.serving_client --rest=localhost:8501 --model=mnist
    python -m tools.serving_client --grpc=localhost:8500 --model=mnist --signature=encode \\
        --image=seven.png
    python -m tools.serving_client --rest=localhost:8501 --model=faces --signature=edit \\
        --direction=smiling --strength=2 --output_dir=edited

Prints a line for each signature: what went in, what came out and how long it took. With
--output_dir, codes are kept as .npy and images as one .png. REST needs nothing that the package
does not; gRPC needs requirements-serving.txt. Other programs
call `flexae_tf.serving.clients`.
"""

import io
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags
from PIL import Image

from flexae_tf import data, figures
from flexae_tf.errors import UserError, run_main
from flexae_tf.serving.clients import GrpcClient, RestClient, Tensor


def example_inputs(
    inputs: Mapping[str, Tensor],
    images: Sequence[np.ndarray] | np.ndarray,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Values for the inputs of a signature.

    Args:
      inputs: {name: `clients.Tensor`}.
      images: [B, ...] for the inputs that are images, files of images or vectors.
      values: {name: scalar} of num_samples, seed, steps, direction and strength.

    Returns:
      {name: NumPy array or scalar}.
    """
    count = len(images)
    draw = np.random.default_rng(values["seed"])
    chosen = {}
    for name, tensor in inputs.items():
        if tensor.dtype is np.int32 and name == "codes":
            chosen[name] = np.zeros(
                (count, *tensor.shape[1:]), np.int32
            )  # which every codebook has
        elif name in ("noise", "codes"):
            chosen[name] = draw.standard_normal((count, *tensor.shape[1:]), np.float32)
        elif name == "image_bytes":
            chosen[name] = np.array([_png(image) for image in images], object)
        elif name in values:
            value = tensor.dtype(values[name]) if tensor.dtype is not np.object_ else values[name]
            chosen[name] = np.full(count, value, tensor.dtype) if tensor.shape else value
        else:
            chosen[name] = images[::-1] if name.endswith("_b") else images
    return chosen


def read_images(paths: Iterable[Path | str], shape: Sequence[int]) -> np.ndarray:
    """Images from files, float32 [N, H, W, C] in [0, 1]. Raises UserError for a wrong size."""
    height, width, channels = shape
    images = []
    for path in paths:
        try:
            image = Image.open(path).convert("L" if channels == 1 else "RGB")
        except OSError as error:
            raise UserError(f"cannot read --image={path}: {error}") from error
        if image.size != (width, height):
            raise UserError(
                f"--image={path} has {image.height} x {image.width} pixels, the model takes "
                f"{height} x {width}: resize it first"
            )
        images.append(np.asarray(image).reshape(shape))
    return data.to_unit(np.stack(images))


def main(_: list[str]) -> None:
    values = flags.FLAGS.flag_values_dict()
    if bool(values["rest"]) == bool(values["grpc"]):
        raise UserError("give one of --rest and --grpc")
    client_class = RestClient if values["rest"] else GrpcClient
    client = client_class(values["rest"] or values["grpc"], values["model"])
    signatures = client.signatures()
    chosen = values["signature"] or [n for n in signatures if n != "edit" or values["direction"]]
    for name in chosen:
        if name not in signatures:
            raise UserError(f"the model has no {name}; it has {', '.join(sorted(signatures))}")
        if name == "edit" and not values["direction"]:
            raise UserError("edit needs --direction, one of those that the run had when exported")
    images = _images(client, signatures, values)
    for name in chosen:
        inputs = example_inputs(signatures[name][0], images, values)
        start = time.perf_counter()
        answer = client.predict(name, inputs)
        milliseconds = 1000 * (time.perf_counter() - start)
        sizes = ", ".join(f"{key} {list(np.shape(value))}" for key, value in inputs.items())
        (output,) = signatures[name][1]
        print(f"{name}: {sizes} -> {output} {list(answer.shape)}, {milliseconds:.1f} ms")
        if values["output_dir"]:
            _keep(Path(values["output_dir"]), name, answer)


def _images(client, signatures, values):
    """What to send where a signature takes images: the files given, or the model's own samples."""
    (spec,) = signatures["encode"][0].values()
    if values["image"]:
        return read_images(values["image"], spec.shape[1:])
    if "sample" in signatures:
        return client.predict("sample", example_inputs(signatures["sample"][0], [], values))
    draw = np.random.default_rng(values["seed"])
    return draw.random((values["num_samples"], *spec.shape[1:]), np.float32)


def _keep(folder, name, answer):
    """Writes an answer: an array as .npy, images as one grid, files as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    if answer.dtype == object:
        for i, file in enumerate(answer):
            (folder / f"{name}-{i}.png").write_bytes(file)
    elif answer.ndim < 4:
        np.save(folder / f"{name}.npy", answer)
    else:
        columns = answer.shape[1] if answer.ndim == 5 else 8
        grid = figures.grid(answer.reshape(-1, *answer.shape[-3:]), columns)
        figures.save_png(folder / f"{name}.png", grid)


def _png(image):
    file = io.BytesIO()
    Image.fromarray(figures.to_uint8(image).squeeze()).save(file, "PNG")
    return file.getvalue()


def _define_flags():
    flags.DEFINE_string("rest", None, "host:port of the REST API.")
    flags.DEFINE_string("grpc", None, "host:port of the gRPC API.")
    flags.DEFINE_string("model", None, "The model's name on the server.", required=True)
    flags.DEFINE_multi_string("signature", None, "Signature to call; all by default.")
    flags.DEFINE_multi_string("image", None, "Image file to send; samples by default.")
    flags.DEFINE_integer("num_samples", 8, "How many examples to generate.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Draws the noise.", lower_bound=0)
    flags.DEFINE_integer("steps", 8, "Steps of an interpolation.", lower_bound=2)
    flags.DEFINE_string("direction", None, "Direction of an edit.")
    flags.DEFINE_float("strength", 1.0, "Strength of an edit.")
    flags.DEFINE_string("output_dir", None, "Folder to keep the answers in.")


if __name__ == "__main__":
    _define_flags()  # here, so that a program can import this beside flags of its own
    run_main(main)
