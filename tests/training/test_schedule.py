"""What follows which iteration."""

from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.schedule import Due, due
from flexae_tf.training.stopping import TIME_UP

OPTIONS = TrainerOptions(
    training_steps=13,
    log_every_steps=2,
    picture_every_steps=3,
    checkpoint_every_steps=4,
    eval_every_steps=5,
)


def when(what, stop=0, options=OPTIONS):
    """The iterations that something is due at."""
    steps = range(1, options.training_steps + 1)
    return [i for i in steps if getattr(due(options, i, stop), what)]


def test_each_has_its_multiples_and_all_but_measurements_the_last():
    assert when("scalars") == [2, 4, 6, 8, 10, 12, 13]
    assert when("pictures") == [3, 6, 9, 12, 13]
    assert when("checkpoint") == [4, 8, 12, 13]
    assert when("evaluation") == [5, 10]


def test_a_stop_takes_scalars_and_a_checkpoint_but_no_pictures_out_of_turn():
    assert due(OPTIONS, 1, stop=0) == Due(False, False, False, False)
    assert due(OPTIONS, 1, stop=TIME_UP) == Due(
        scalars=True, pictures=False, checkpoint=True, evaluation=False
    )
    assert when("pictures", stop=TIME_UP) == when("pictures")
    assert when("evaluation", stop=TIME_UP) == when("evaluation")


def test_measurements_are_never_due_without_an_interval():
    assert when("evaluation", options=TrainerOptions(training_steps=13)) == []
