"""Flags: their defaults by variant and data, what is refused, and every configuration file."""

import pathlib

import pytest
from absl import flags

from flexae_tf import methods, settings
from flexae_tf.errors import UserError

ROOT = pathlib.Path(__file__).parent.parent
CONFIGS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("configs/**/*.cfg"))
GREY, COLOUR, VECTOR = (28, 28, 1), (32, 32, 3), (128,)
SHAPES = {
    "digits": (16, 16, 1),
    "synthetic2d": VECTOR,
    "synthetic5d": VECTOR,
    "synthetic8d": VECTOR,
    "synthetic16d": VECTOR,
    "mnist": GREY,
    "fashion_mnist": GREY,
    "cifar10": COLOUR,
    "celeb_a": (64, 64, 3),
    "stick_figures": (32, 32, 6),
    "pose_folder": (256, 256, 6),
}


def parsed(*arguments):
    values = flags.FlagValues()
    settings.define_flags(values)
    values(["program", *arguments])
    return values


def of_method(shape, *arguments):
    return settings.method_settings(shape, parsed(*arguments))


@pytest.mark.parametrize(
    ("shape", "arguments", "latent_dim"),
    [
        (GREY, [], 20),
        (COLOUR, [], 64),
        (GREY, ["--variant=released"], 32),
        (COLOUR, ["--variant=released"], 128),
        (VECTOR, ["--dataset=synthetic2d"], 2),
        (VECTOR, ["--dataset=synthetic5d"], 50),
        (COLOUR, ["--latent_dim=7"], 7),
    ],
)
def test_latent_and_noise_dimensions(shape, arguments, latent_dim):
    chosen = of_method(shape, *arguments)
    assert (chosen["latent_dim"], chosen["noise_dim"]) == (latent_dim, latent_dim)
    chosen = of_method(shape, *arguments, "--noise_dim=11")
    assert (chosen["latent_dim"], chosen["noise_dim"]) == (latent_dim, 11)


def test_rates_are_those_of_algorithm_1():
    chosen = of_method(GREY)
    rates = {
        player: tuple(chosen[f"{player}_{name}"] for name in ("learning_rate", "beta_1", "beta_2"))
        for player in (
            "autoencoder",
            "latent_critic",
            "image_critic",
            "smoothing",
            "generator",
            "encoder",
        )
    }
    assert rates == {
        "autoencoder": (2e-4, 0.9, 0.999),
        "latent_critic": (1e-4, 0.0, 0.9),
        "image_critic": (2e-4, 0.5, 0.9),
        "smoothing": (2e-4, 0.5, 0.9),
        "generator": (1e-4, 0.0, 0.9),
        "encoder": (1e-5, 0.0, 0.9),
    }
    assert chosen["critic_steps"] == 5
    assert chosen["gradient_penalty_weight"] == 10
    assert chosen["noise"] == "normal"
    assert chosen["reconstruction_loss"] == "mse"


def test_the_released_program_differs_in_one_rate():
    paper, released = (of_method(GREY, f"--variant={v}") for v in ("paper", "released"))
    differing = {name for name in paper if paper[name] != released[name]}
    assert differing == {"generator_learning_rate", "latent_dim", "noise_dim"}
    assert released["generator_learning_rate"] == 2e-4


def test_a_flag_overrides_the_default_of_a_variant():
    chosen = of_method(GREY, "--variant=released", "--generator_learning_rate=0.5")
    assert chosen["generator_learning_rate"] == 0.5
    chosen = of_method(GREY, "--gradient_penalty_weight=0")
    assert chosen["gradient_penalty_weight"] == 0


def test_flexae_has_no_settings_of_the_smoothing():
    flexae, smoothed = (set(of_method(GREY, f"--method={m}")) for m in ("flexae", "flexae_sr"))
    assert smoothed - flexae == {
        f"{player}_{name}"
        for player in ("image_critic", "smoothing")
        for name in ("learning_rate", "beta_1", "beta_2", "epsilon", "schedule", "optimizer")
    }
    assert flexae < smoothed


def test_a_flag_of_another_method_is_refused():
    message = r"--smoothing_beta_1 is no setting of --method=flexae; its settings are latent_dim, "
    with pytest.raises(UserError, match=message):
        of_method(GREY, "--method=flexae", "--smoothing_beta_1=0.5")


def test_an_unknown_method_is_refused_with_the_names():
    with pytest.raises(UserError, match=r"unknown --method=flexea: expected one of .*flexae, "):
        of_method(GREY, "--method=flexea")
    assert {"flexae", "flexae_sr"} <= set(methods.names())


@pytest.mark.parametrize(
    "argument",
    [
        "--dataset=mnits",
        "--variant=printed",
        "--strategy=tpu",
        "--noise=gauss",
        "--reconstruction_loss=l2",
        "--batch_size=many",
        "--latent_dim=2.5",
        "--xla=perhaps",
        "--no_such_flag=1",
    ],
)
def test_values_of_the_wrong_kind_are_refused(argument):
    with pytest.raises(flags.Error, match=argument[2:].split("=")[0]):
        parsed(argument)


@pytest.mark.parametrize(
    "argument",
    [
        "--latent_dim=0",
        "--noise_dim=-1",
        "--critic_steps=0",
        "--generator_learning_rate=0",
        "--encoder_learning_rate=-1e-4",
        "--autoencoder_beta_1=1",
        "--autoencoder_beta_2=-0.1",
        "--generator_learning_rate=nan",
        "--generator_learning_rate=inf",
        "--gradient_penalty_weight=-1",
        "--gradient_penalty_weight=nan",
        "--encoder_epsilon=0",
    ],
)
def test_settings_out_of_range_are_refused(argument):
    with pytest.raises(UserError, match=f"{argument.split('=')[0]} must be "):
        of_method(GREY, argument)


@pytest.mark.parametrize(
    "argument",
    [
        "--training_steps=-1",
        "--batch_size=0",
        "--seed=-1",
        "--log_every_steps=0",
        "--picture_every_steps=0",
        "--checkpoint_every_steps=0",
        "--keep_checkpoints=0",
        "--keep_every_steps=-1",
        "--test_images=0",
        "--seed=4294967296",
    ],
)
def test_trainer_options_out_of_range_are_refused(argument):
    name, value = argument.split("=")
    with pytest.raises(UserError, match=f"{name} must be .*received {value}"):
        settings.trainer_options(parsed(argument))


@pytest.mark.parametrize("text", ["halve", "halve:0", "plateau:factor=2", "piecewise:9=1,8=1"])
def test_a_schedule_of_another_form_is_refused_by_the_name_of_its_flag(text):
    with pytest.raises(UserError, match=f"--encoder_schedule: a schedule is .*received '{text}'"):
        of_method(GREY, f"--encoder_schedule={text}")


def test_a_rate_is_not_halved_and_scheduled():
    values = parsed("--method=vae", "--autoencoder_schedule=halve:3", "--halve_rates_every_steps=3")
    with pytest.raises(UserError, match=r"--autoencoder_schedule=halve:3 and .* give one of them"):
        settings.build_method(GREY, values)


def test_crop_is_another_name_of_celebas():
    assert parsed("--crop=128").celeba_crop == parsed("--celeba_crop=128").crop == 128


def test_trainer_options_have_the_papers_size():
    options = settings.trainer_options(parsed())
    assert (options.training_steps, options.batch_size) == (130_000, 128)


@pytest.mark.parametrize("path", CONFIGS)
def test_every_configuration_file_resolves(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    values = parsed(f"--flagfile={path}")
    chosen = settings.resolved(SHAPES[values.dataset], values)
    assert max(chosen.get(name, 0) for name in ("latent_dim", "code_dim", "latent_width")) >= 2
    if path.startswith("configs/released/"):
        twin = settings.resolved(
            SHAPES[values.dataset], parsed(f"--flagfile={path.replace('released/', '')}")
        )
        assert {name for name in chosen if chosen[name] != twin[name]} == {
            "variant",
            "generator_learning_rate",
            "latent_dim",
            "noise_dim",
        }


@pytest.mark.parametrize(("method", "shape"), [("vae", (32, 32, 6)), ("vunet", (32, 32, 3))])
def test_images_with_maps_are_for_methods_that_take_them(method, shape):
    with pytest.raises(UserError, match=f"--method={method} does not go with --dataset=digits"):
        settings.resolved(shape, parsed(f"--method={method}"))


def test_the_configurations_of_the_paper_are_there():
    names = {pathlib.Path(path).stem for path in CONFIGS if "released" not in path}
    assert names >= {"digits", "mnist", "fashion_mnist", "cifar10", "celeba"}
    assert names >= {"synthetic2d", "synthetic5d"}
    released = {pathlib.Path(path).stem for path in CONFIGS if "configs/released/" in path}
    assert released == {"mnist", "fashion_mnist", "cifar10", "celeba"}


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "celeba"])
def test_real_images_are_trained_as_long_as_in_the_paper(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    values = parsed(f"--flagfile=configs/{name}.cfg")
    assert (values.training_steps, values.batch_size) == (130_000, 128)
    assert (values.method, values.variant) == ("flexae_sr", "paper")


def test_texts_of_a_run_parse_back():
    values = settings.parse({"dataset": "mnist", "xla": "true", "encoder_beta_2": "0.95"})
    assert values.dataset == "mnist"
    assert values.xla is True
    assert of_method(GREY, "--encoder_beta_2=0.95") == settings.method_settings(GREY, values)


@pytest.mark.parametrize("method", ["vae", "two_stage_vae"])
def test_sigma_follows_the_networks(method):
    found = {
        name: of_method(GREY, f"--method={method}", f"--networks={name}")["sigma"]
        for name in ("infogan", "resnet", "two_stage_wae", "rae")
    }
    exp, softplus = "exp", "softplus"
    expected = {"infogan": softplus, "resnet": exp, "two_stage_wae": exp, "rae": "exp_tanh"}
    assert found == expected
    chosen = of_method(GREY, f"--method={method}", "--networks=rae", "--sigma=exp")
    assert chosen["sigma"] == "exp"


def test_networks_are_those_that_the_method_needs_unless_others_are_chosen():
    for arguments, expected in (
        (["--method=vae"], "flexae"),
        (["--method=vae", "--networks=vq_vae"], "vq_vae"),
        (["--method=vq_vae"], "vq_vae"),
    ):
        assert settings.resolved(GREY, parsed(*arguments))["networks"] == expected
    message = "--networks=rae encodes an image as one vector, not as the grid"
    with pytest.raises(UserError, match=message):
        settings.build_method(GREY, parsed("--method=vq_vae", "--networks=rae"))
    assert settings.former("vae", "paper")["networks"] == "flexae"


def test_a_run_from_before_there_was_sigma_keeps_softplus():
    texts = {"method": "vae", "networks": "rae"}
    assert settings.method_settings(GREY, settings.parse(texts))["sigma"] == "softplus"
    texts["sigma"] = "exp"
    assert settings.method_settings(GREY, settings.parse(texts))["sigma"] == "exp"


@pytest.mark.parametrize("texts", [{"dataset": "none"}, {"no_such_flag": "1"}, {"seed": "x"}])
def test_damaged_texts_of_a_run_are_refused(texts):
    with pytest.raises(UserError, match="flags.cfg: .*" + next(iter(texts))):
        settings.parse(texts)


def test_flags_that_may_change_are_those_that_do_not_change_the_result():
    chosen = settings.resolved(GREY, parsed())
    fixed = set(chosen) - settings.FREE
    assert {"dataset", "method", "variant", "batch_size", "seed", "latent_dim"} <= fixed
    assert not {"training_steps", "log_every_steps", "data_dir", "keep_checkpoints"} & fixed


@pytest.mark.parametrize("size", [10**8, 2 * 10**9, 9 * 10**18])
def test_networks_larger_than_the_memory_are_refused(size):
    values = settings.parse({"method": "ae", "latent_dim": str(size)})
    with pytest.raises(UserError, match=f"--latent_dim={size} need more memory than there is"):
        settings.build_method((16, 16, 1), values)
