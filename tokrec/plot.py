"""Figures that read well: one palette, light and dark, Chinese included (chapter *tokens*)."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tokrec.fonts import chinese_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
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


def byte_labels(text: str, tokens: Sequence[str]) -> list[str]:
    """Tokens of a byte-level vocabulary, readable: characters, or the bytes of a part of one in hexadecimal. Chapter *tokens*.

    Parameters
    ----------
    text : str
        What was cut.
    tokens : sequence of str
        Its tokens, one sign per byte, as GPT-2's vocabulary writes them.

    Returns
    -------
    list of str
        One label per token.

    Raises
    ------
    ValueError
        If the tokens have more or fewer signs than the text has bytes.
    """
    raw, labels = text.encode("utf-8"), []
    if sum(map(len, tokens)) != len(raw):
        raise ValueError(
            f"{text!r} has {len(raw)} bytes, its tokens have {sum(map(len, tokens))}: pass tokens of this text, one sign per byte"
        )
    for token in tokens:
        part, raw = raw[: len(token)], raw[len(token) :]
        try:
            labels.append(part.decode("utf-8"))
        except UnicodeDecodeError:
            labels.append(part.hex(" "))
    return labels


def token_strip(
    rows: dict[str, list[str]],
    highlight: set[str] = frozenset({"[UNK]"}),  # type: ignore[assignment]
    widths: dict[str, list[float]] | None = None,
) -> Axes:
    """Draw each list of tokens as a row of boxes, those in `highlight` filled. Chapter *tokens*.

    Parameters
    ----------
    rows : dict of str to list of str
        Row label to tokens.
    highlight : set of str
        Tokens that stand out, unknown ones by default.
    widths : dict of str to list of float, optional
        Row label to the width of each box, in characters of the text that all rows cut, say; 1 each by default.

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt

    widths = widths or {label: [1.0] * len(tokens) for label, tokens in rows.items()}
    widest = max(map(sum, widths.values()), default=1)
    _, axes = plt.subplots(figsize=(min(12, 1.5 + 0.72 * widest), 0.4 + 0.55 * len(rows)))
    for y, (label, tokens) in enumerate(rows.items()):
        starts = np.cumsum(widths[label]) - widths[label]
        for x, width, token in zip(starts, widths[label], tokens, strict=True):
            marked = token in highlight
            axes.add_patch(
                plt.Rectangle(
                    (x + 0.04, y + 0.12),
                    width - 0.08,
                    0.76,
                    facecolor=PALETTE[4] if marked else "#e8eef4",
                    edgecolor="#5a6b7b",
                    linewidth=0.8,
                )
            )
            axes.text(x + width / 2, y + 0.5, token, ha="center", va="center", fontsize=8.5, color="black" if marked else "#1b2733")
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


def translations(names: dict[str, str], here: np.ndarray, there: np.ndarray) -> Axes:
    """Draw pairs of names on a plane, each pair joined by a line. Chapter *small_encoder*.

    Parameters
    ----------
    names : dict
        English name to its Chinese one.
    here, there : ndarray, shape (n, 2)
        Where the English and the Chinese names lie.
    """
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(8.5, 5.4))
    style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center", "fontsize": 9.5}
    for (english, chinese), a, b in zip(names.items(), here, there, strict=True):
        axes.plot(*np.transpose([a, b]), color="#8a949e", linewidth=0.8)
        above = 1 if a[1] >= b[1] else -1
        axes.annotate(english, a, xytext=(0, 10 * above), color=PALETTE[0], **style)
        axes.annotate(chinese, b, xytext=(0, -11 * above), color=PALETTE[4], **style)
    axes.scatter(here[:, 0], here[:, 1], s=22, color=PALETTE[0], label="English")
    axes.scatter(there[:, 0], there[:, 1], s=22, marker="s", color=PALETTE[4], label="Chinese")
    axes.set(xlabel="first principal component", ylabel="second principal component", title="The same things, named twice")
    axes.margins(0.1)
    axes.legend()
    return axes


# Who is ahead: shape and colour say the same.
WINNERS = {
    "encoder": ("o", PALETTE[0], "encoder ahead"),
    "tfidf": ("s", PALETTE[4], "TF-IDF ahead"),
    "undecided": ("D", "#5a6b7b", "undecided"),
}


def spine(table: pd.DataFrame) -> list[Axes]:
    """Draw encoder − TF-IDF with its interval, a row a situation and an axis a group; a tick marks the sum of both. Page *intro*.

    Parameters
    ----------
    table : DataFrame
        Of :func:`tokrec.spine.spine`.

    Returns
    -------
    list of Axes
    """
    import matplotlib.pyplot as plt

    groups = [rows.iloc[::-1] for _, rows in table.groupby("group", sort=False)]
    heights = {"height_ratios": [len(rows) + 0.6 for rows in groups]}
    figure, panels = plt.subplots(len(groups), squeeze=False, figsize=(8.8, 1.8 + 0.36 * len(table)), gridspec_kw=heights)
    notes = dict(zip(filter(None, table["note"].unique()), "*†‡§¶", strict=False))
    for axes, rows in zip(panels[:, 0], groups, strict=True):
        places = np.arange(len(rows))
        for best, (marker, colour, label) in WINNERS.items():
            chosen = (rows["best"] == best).to_numpy()
            part = rows[chosen]
            ends = part[["low", "high"]].sub(part["difference"], axis=0).abs().to_numpy().T
            axes.errorbar(part["difference"], places[chosen], xerr=ends, fmt=marker, color=colour, capsize=3, label=label)
        axes.plot(rows["hybrid"] - rows["tfidf"], places, "|", color="black", markersize=13, label="sum of both − TF-IDF")
        axes.axvline(0, color="black", linewidth=0.8)
        names = [f"{row.situation}, {row.text} {notes.get(row.note, '')}".strip() for row in rows.itertuples()]
        axes.set(yticks=places, yticklabels=names, ylim=(-0.7, len(rows) - 0.3), title=rows["measure"].iloc[0])
        for place, row in zip(places, rows.itertuples(), strict=True):
            means = f"{row.encoder:.2f} / {row.tfidf:.2f}"
            axes.text(1.02, place, means, transform=axes.get_yaxis_transform(), va="center", fontsize=9)
    panels[0, 0].text(1.02, len(groups[0]) - 0.2, "encoder / TF-IDF", transform=panels[0, 0].get_yaxis_transform(), fontsize=9)
    panels[-1, 0].set_xlabel("encoder − TF-IDF, with its 95 % interval")
    figure.supxlabel("\n".join(f"{mark} {note}" for note, mark in notes.items()), fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return list(panels[:, 0])
