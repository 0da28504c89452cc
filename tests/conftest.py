"""Settings that all tests share."""

import os

from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

settings.register_profile("book", deadline=None, derandomize=True)  # the same examples on every run, however slow the machine
settings.load_profile("book")
