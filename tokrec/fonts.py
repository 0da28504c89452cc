"""One Chinese font for every figure, whatever fonts a machine has (chapter *tokens*).

The package ``manimgx-fonts-cjk`` carries Noto Sans CJK (SIL Open Font License 1.1): one file for five regions and all weights. matplotlib
would take its first face, the Japanese one, at the thinnest weight. So the simplified-Chinese face is cut down to the characters that
figures need and set at two weights. That takes most of a minute, once; the two files lie in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

SOURCE = "manimgx-fonts-cjk"
FACE = "Noto Sans CJK SC"
FAMILY = "tokrec Sans SC"
WEIGHTS = (400, 700)
# Characters of the book's texts outside GB2312: rare, Japanese and traditional ones. A test says which are missing.
EXTRA = "鸮啰瘆畑薙齁澥祐朥祂我想買一塊智慧手錶標題書內容簡詞彙機電視學習推薦與類"
SYSTEM_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)


@cache
def characters() -> frozenset[str]:
    """What the font covers: GB2312 (6,763 Chinese characters, punctuation), ASCII and the book's further characters. Chapter *tokens*."""
    rows, columns = range(0xA1, 0xF8), range(0xA1, 0xFF)
    national = (bytes((row, column)).decode("gb2312", "ignore") for row in rows for column in columns)
    return frozenset("".join(national)) | frozenset(map(chr, range(32, 127))) | frozenset(EXTRA)


def chinese_font() -> str | None:
    """The family that draws Chinese: the book's own, else the first of the system's, else None. Chapter *tokens*.

    The book's own is made on first use and known to matplotlib afterwards.
    """
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    if FAMILY in installed:
        return FAMILY
    try:
        for path in font_files():
            font_manager.fontManager.addfont(path)
        return FAMILY
    except (OSError, RuntimeError, PackageNotFoundError):  # no package, or no folder to write to
        return next((name for name in SYSTEM_FONTS if name in installed), None)


def font_files(folder: Path | None = None) -> list[Path]:
    """The font at weights 400 and 700, made if it is not in `folder` (by default the user's cache). Chapter *tokens*.

    Raises
    ------
    PackageNotFoundError
        If ``manimgx-fonts-cjk`` is not installed.
    OSError
        If the folder cannot be written.
    """
    from platformdirs import user_cache_path
    from tqdm import tqdm

    made_of = "".join([version(SOURCE), *sorted(characters())])
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    folder = folder or user_cache_path("tokrec")
    paths = {weight: folder / f"chinese-{weight}-{digest}.otf" for weight in WEIGHTS}
    missing = [weight for weight in WEIGHTS if not paths[weight].is_file()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        small = cut_down(collection())
        for weight in tqdm(missing, desc="Chinese font for figures, made once", unit="weight"):
            unfinished = paths[weight].with_suffix(f".{os.getpid()}.tmp")
            at_weight(small, weight).save(unfinished)
            unfinished.replace(paths[weight])
    return list(paths.values())


def collection() -> Path:
    """The file of ``manimgx-fonts-cjk``. Chapter *tokens*."""
    found = find_spec(SOURCE.replace("-", "_"))
    if found is None or not found.origin:
        raise PackageNotFoundError(SOURCE)
    return next(Path(found.origin).parent.glob("*.ttc"))


def cut_down(path: Path) -> bytes:
    """The simplified-Chinese face of a collection with :func:`characters` alone, all weights still in it. Chapter *tokens*."""
    from fontTools import subset
    from fontTools.ttLib import TTCollection

    face = next(font for font in TTCollection(path, lazy=True).fonts if font["name"].getDebugName(1) == FACE)
    tables = ["BASE", "GPOS", "GSUB", "VORG", "VVAR", "vhea", "vmtx"]  # vertical writing and typographic niceties
    options = subset.Options(hinting=False, layout_features=[], notdef_outline=True)
    options.drop_tables += tables
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(characters()))
    cutter.subset(face)
    stored = BytesIO()
    face.save(stored)
    return stored.getvalue()


def at_weight(font: bytes, weight: int) -> TTFont:
    """A variable font set at one weight, under the book's own family name. Chapter *tokens*."""
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    fixed = instancer.instantiateVariableFont(TTFont(BytesIO(font)), {"wght": weight}, inplace=True)
    style = {400: "Regular", 700: "Bold"}[weight]
    names = {1: FAMILY, 2: style, 4: f"{FAMILY} {style}", 6: f"{FAMILY.replace(' ', '')}-{style}", 16: "", 17: ""}
    for name_id, text in names.items():
        fixed["name"].removeNames(nameID=name_id)
        if text:
            fixed["name"].setName(text, name_id, 3, 1, 0x409)
    fixed["OS/2"].usWeightClass = weight
    return fixed


if __name__ == "__main__":
    print(chinese_font())
