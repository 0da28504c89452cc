"""Settings that all tests share."""

import matplotlib
import pytest
from hypothesis import settings

from tokrec.fonts import chinese_font

matplotlib.use("Agg")  # not through the environment: the notebooks' kernels would inherit it and show no figures

settings.register_profile("book", deadline=None, derandomize=True)  # the same examples on every run, however slow the machine
settings.load_profile("book")


def pytest_configure(config: pytest.Config) -> None:
    """Make the figures' font and matplotlib's list of fonts before any notebook runs: both write to stderr when they are made."""
    if not hasattr(config, "workerinput"):
        chinese_font()
