"""Figures that read well: one palette, light and dark, Chinese included (chapter *tokens*)."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np

from tokrec.fonts import chinese_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's colours without yellow and black: told apart by colour-blind people, visible on white and on dark grey.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")


def use_style() -> None:
    """Set up matplotlib for the book: palette, sizes, a white card behind every figure, one Chinese font. Chapter *tokens*.

    Where there is no Chinese font at all, Chinese labels show as boxes; the function prints how to get a font and silences
    matplotlib's warning for each character.
    """
    import matplotlib as mpl
    from cycler import cycler

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a system font may have no bold: no word about it in a cell
    font = chinese_font()
    mpl.rcParams.update(
        {
            "figure.figsize": (7.0, 4.0),
            "figure.dpi": 110,
            "savefig.dpi": 110,
            "figure.facecolor": "white",
            "axes.facecolor": "white",
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "axes.titlesize": 11,
            "axes.unicode_minus": False,
            "font.family": [name for name in ("DejaVu Sans", font) if name],  # not "sans-serif": that is its first font alone
            "legend.frameon": False,
            "figure.constrained_layout.use": True,
            "svg.hashsalt": "tokrec",
        }
    )
    if font is None:
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        print("No Chinese font found: to read the Chinese labels of figures, pip install manimgx-fonts-cjk (Debian: fonts-noto-cjk).")


def token_strip(rows: dict[str, list[str]], highlight: set[str] = frozenset({"[UNK]"})) -> Axes:  # type: ignore[assignment]
    """Draw each list of tokens as a row of boxes, those in `highlight` filled. Chapter *tokens*.

    Parameters
    ----------
    rows : dict of str to list of str
        Row label to tokens.
    highlight : set of str
        Tokens that stand out, unknown ones by default.

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt

    widest = max((len(tokens) for tokens in rows.values()), default=1)
    _, axes = plt.subplots(figsize=(min(12, 1.5 + 0.72 * widest), 0.4 + 0.55 * len(rows)))
    for y, tokens in enumerate(rows.values()):
        for x, token in enumerate(tokens):
            marked = token in highlight
            axes.add_patch(
                plt.Rectangle(
                    (x + 0.04, y + 0.12), 0.92, 0.76, facecolor=PALETTE[4] if marked else "#e8eef4", edgecolor="#5a6b7b", linewidth=0.8
                )
            )
            axes.text(x + 0.5, y + 0.5, token, ha="center", va="center", fontsize=8.5, color="black" if marked else "#1b2733")
    axes.set(xlim=(0, widest), ylim=(len(rows), 0), yticks=np.arange(len(rows)) + 0.5, yticklabels=list(rows), xticks=[])
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def similarity_heatmap(matrix: np.ndarray, labels: list[str], title: str = "") -> Axes:
    """Draw a square matrix of similarities with its numbers. Chapter *bert_features*."""
    import matplotlib.pyplot as plt

    matrix = np.asarray(matrix, dtype=float)
    _, axes = plt.subplots(figsize=(1.4 + 0.85 * len(labels), 0.9 + 0.75 * len(labels)))
    image = axes.imshow(matrix, cmap="cividis", vmin=min(0.0, matrix.min()), vmax=1.0)
    for (y, x), value in np.ndenumerate(matrix):
        dark = float(np.asarray(image.norm(value))) < 0.45
        axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=9, color="white" if dark else "black")
    ticks = np.arange(len(labels))
    axes.set(yticks=ticks, yticklabels=labels, title=title)
    axes.set_xticks(ticks, labels, rotation=30, ha="right", rotation_mode="anchor")
    axes.grid(False)
    return axes
