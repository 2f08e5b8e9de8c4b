"""The codes of test examples beside the prior's samples."""

from collections.abc import Iterator

from flexae_tf import figures
from flexae_tf.data import Dataset, gather
from flexae_tf.figures import Layer
from flexae_tf.pictures.picture import Options, Picture, choose, class_name, compose
from flexae_tf.pictures.plane import Plane, by_class
from flexae_tf.runs import Run

POINTS = 2000


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """E(x) coloured by class, and as many samples of the prior on the same axes; yields a Picture.

    Codes of more than two components are shown in the plane of the encoder's two principal ones. A
    method without a prior gets the codes alone.
    """
    count = options.count or POINTS
    rows = choose(len(dataset.test), count, options.seed)
    model, labels = run.model, dataset.test_labels
    z = model.encode(gather(dataset.test, rows))  # [N, m]
    plane = Plane(z)
    if labels is not None and labels.ndim == 1:
        codes = by_class(plane(z), labels[rows], lambda number: class_name(dataset, number))
    else:
        codes = [Layer(plane(z), color="C0")]
    panels = {f"E(x) of {len(z):,} test examples": codes}
    if model.density is not None:
        z_hat = model.sample_codes(len(z), options.seed)  # [N, m]
        source = f"density {options.density}" if options.density else "the prior"
        panels[f"{len(z_hat):,} samples of {source}"] = [Layer(plane(z_hat), color="black")]
    image = figures.panels(panels, plane.axis_labels)
    m = z.shape[1]
    title = f"Codes of {m} {'dimension' if m == 1 else 'dimensions'}: the encoder's, and sampled"
    yield compose(options.name("latents"), image, title, run, options)
