"""Figures: Chinese that shows, colours that can be told apart, text that can be read on its box."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from tokrec import plot

# Machado, Oliveira & Fernandes (2009): how full deuteranopia and protanopia see linear RGB.
EYES = {
    "usual": np.eye(3),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


@pytest.fixture(autouse=True)
def fresh_figures() -> Iterator[None]:
    import matplotlib.pyplot as plt

    with plt.rc_context():
        plot.use_style()
        yield
        plt.close("all")


def linear(colour: object) -> np.ndarray:
    from matplotlib.colors import to_rgb

    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: object, other: object) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    dark, light = sorted(float(linear(colour) @ TO_XYZ[1]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: object, eye: str) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(EYES[eye] @ linear(colour), 0, 1) / np.array([0.95047, 1, 1.08883])
    roots = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * roots[1] - 16, 500 * (roots[0] - roots[1]), 200 * (roots[1] - roots[2])])


def test_contrast_by_hand():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails 4.5


def test_palette_shows_on_white_and_on_dark():
    assert len(set(plot.PALETTE)) == 6
    for colour in plot.PALETTE:
        assert contrast(colour, "white") > 2.2 and contrast(colour, "#121212") > 3, colour


@pytest.mark.parametrize("eye", EYES)
def test_palette_can_be_told_apart(eye: str):
    colours = [lab(colour, eye) for colour in plot.PALETTE]
    assert min(np.linalg.norm(one - other) for i, one in enumerate(colours) for other in colours[:i]) > 15


def test_style_is_set():
    import matplotlib as mpl

    assert [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]] == list(plot.PALETTE)
    assert mpl.rcParams["figure.facecolor"] == "white"  # a card that can be read on a dark page too


def test_chinese_shows():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.set(title="智能手表与推荐系统", xlabel="词频 −1 é")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()


def test_token_strip():
    axes = plot.token_strip({"bilingual": ["我", "喜", "欢"], "English": ["我", "[UNK]"]})
    assert [text.get_text() for text in axes.texts] == ["我", "喜", "欢", "我", "[UNK]"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bilingual", "English"]
    boxes = [box.get_facecolor() for box in axes.patches]
    assert len(set(boxes[:4])) == 1 and boxes[4] != boxes[0]
    for box, text in zip(boxes, axes.texts, strict=True):
        assert contrast(box, text.get_color()) >= 4.5


def test_translations_are_joined_and_named():
    here, there = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.1, 0.2], [1.0, 0.5]])
    axes = plot.translations({"lion": "狮子", "war": "战争"}, here, there)
    assert [text.get_text() for text in axes.texts] == ["lion", "狮子", "war", "战争"]
    for line, a, b in zip(axes.lines, here, there, strict=True):
        np.testing.assert_allclose(np.transpose(line.get_data()), [a, b])


def test_boxes_are_as_wide_as_told():
    axes = plot.token_strip({"characters": ["我", "看"], "words": ["我看"]}, widths={"characters": [1, 1], "words": [2]})
    assert [box.get_x() for box in axes.patches] == pytest.approx([0.04, 1.04, 0.04])
    assert [box.get_width() for box in axes.patches] == pytest.approx([0.92, 0.92, 1.92])
    assert axes.get_xlim() == (0, 2)


def test_labels_of_bytes():
    # UTF-8: 影 is e5 bd b1; each sign below stands for one byte
    assert plot.byte_labels("a影", ["a", "xyz"]) == ["a", "影"]
    assert plot.byte_labels("a影", ["ax", "y", "z"]) == ["61 e5", "bd", "b1"]
    with pytest.raises(ValueError, match="has 4 bytes, its tokens have 3"):
        plot.byte_labels("a影", ["xyz"])


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_heatmap_can_be_read(lowest: float):
    values = np.linspace(lowest, 1, 16).reshape(4, 4)
    axes = plot.similarity_heatmap(values, ["我", "b", "c", "d"], title="余弦")
    assert [text.get_text() for text in axes.texts] == [f"{value:.2f}" for value in values.ravel()]
    (image,) = axes.images
    for text, value in zip(axes.texts, values.ravel(), strict=True):
        assert contrast(image.cmap(image.norm(value)), text.get_color()) >= 4.5
    assert axes.get_title() == "余弦"
