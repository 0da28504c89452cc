"""Settings that all tests share."""

import matplotlib
from hypothesis import settings

matplotlib.use("Agg")  # not through the environment: the notebooks' kernels would inherit it and show no figures

settings.register_profile("book", deadline=None, derandomize=True)  # the same examples on every run, however slow the machine
settings.load_profile("book")
