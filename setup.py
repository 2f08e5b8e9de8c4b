"""What pyproject.toml cannot say: requirements by file, tools/ and configs/ inside the package."""

from pathlib import Path

from setuptools import find_namespace_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str, until: str | None = None) -> list[str]:
    """Lines of a requirements file without comments and inclusions, up to a comment."""
    text = (ROOT / name).read_text()
    lines = text.partition(until)[0] if until else text
    found = (line.partition("#")[0].strip() for line in lines.splitlines())
    return [line for line in found if line and not line.startswith("-")]


def renamed(folder: str) -> dict[str, str]:
    """{package: folder} of a folder at the top and those in it, as the package has them."""
    inner = [folder, *(f"{folder}.{name}" for name in find_namespace_packages(folder))]
    return {f"flexae_tf.{name}": name.replace(".", "/") for name in inner}


moved = renamed("tools") | renamed("configs")
setup(
    packages=[*find_namespace_packages(include=["flexae_tf", "flexae_tf.*"]), *moved],
    package_dir=moved,
    package_data={"": ["*.toml", "*.cfg", "*.png", "*.css", "*.js"]},
    install_requires=requirements("requirements.txt", until="# Tests and linters"),
    extras_require={
        name: requirements(f"requirements-{name}.txt") for name in ("gpu", "serving", "explore")
    },
)
