"""Serves a page to play with a trained model, on this machine only.

    python -m tools.explore --run_dir=runs/mnist
    python -m tools.explore --export=runs/mnist/export

Samples by seed, edits along the principal directions of the codes and the run's directions/, an
image of your own reconstructed and edited, interpolations, checkpoint by checkpoint and from every
density; each with a permanent link, a PNG and the codes as .npy. Needs requirements-explore.txt.
"""

from absl import flags

from flexae_tf.errors import UserError, run_main
from flexae_tf.explore.sources import ExportSource, RunSource

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory.")
_EXPORT = flags.DEFINE_string("export", None, "Export folder, or one of its versions.")
_PORT = flags.DEFINE_integer(
    "port", 8050, "Port on the loopback interface; 0 takes a free one.", lower_bound=0
)


def main(_: list[str]) -> None:
    if (_RUN_DIR.value is None) == (_EXPORT.value is None):
        raise UserError("expected one of --run_dir and --export: name what to explore")
    try:
        from flexae_tf.explore import server
    except ImportError as error:
        raise UserError(
            f"{error}: the page needs more packages, pip install -r requirements-explore.txt"
        ) from error
    source = RunSource(_RUN_DIR.value) if _RUN_DIR.value else ExportSource(_EXPORT.value)
    server.serve(source, _PORT.value)


if __name__ == "__main__":
    run_main(main)
