"""Figures: Chinese labels show wherever a Chinese font is installed."""

import warnings

import pytest

from tokrec import plot


def test_chinese_labels_are_drawn(tmp_path):
    if plot.chinese_font() is None:
        pytest.skip("no Chinese font: install one (Debian: fonts-noto-cjk)")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every glyph that it cannot find
        plot.use_style()
        figure, axes = plt.subplots()
        axes.set_title("tokens 分词")
        figure.savefig(tmp_path / "figure.png")
        plt.close(figure)
