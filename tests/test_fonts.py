"""The figures' Chinese font: one for every machine, simplified forms, two real weights, all characters that figures may need."""

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.statisticsPen import StatisticsPen
from fontTools.ttLib import TTCollection, TTFont

from tokrec import fonts, plot
from tokrec.datasets import load_shelf

ROOT = Path(__file__).parents[1]
# Chinese characters, Chinese and full-width punctuation, kana.
CHINESE = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uffef\U00020000-\U0003ffff]")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The two files, made from scratch with a few characters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fonts, "characters", lambda: frozenset("直骨门表Aa。"))
        return fonts.font_files(tmp_path_factory.mktemp("cache"))


def drawn(font: TTFont, char: str, **location: float) -> list:
    """The strokes of a character, variations worked out by fontTools' glyph set."""
    glyphs = font.getGlyphSet(location=location or None)
    pen = DecomposingRecordingPen(glyphs)
    glyphs[font.getBestCmap()[ord(char)]].draw(pen)
    return pen.value


def rounded(strokes: list) -> list:
    return [(kind, [(round(x), round(y)) for x, y in points]) for kind, points in strokes]


def ink(font: TTFont, char: str) -> float:
    glyphs = font.getGlyphSet()
    pen = StatisticsPen(glyphs)
    glyphs[font.getBestCmap()[ord(char)]].draw(pen)
    return abs(pen.area)


def test_font_is_the_simplified_chinese_face_at_both_weights(made: list[Path]):
    faces = {font["name"].getDebugName(1): font for font in TTCollection(fonts.collection()).fonts}
    for path, weight in zip(made, fonts.WEIGHTS, strict=True):
        font = TTFont(path)
        assert "fvar" not in font and font["OS/2"].usWeightClass == weight
        assert font["name"].getDebugName(1) == fonts.FAMILY and "Source" not in font["name"].getDebugName(4)  # a reserved name
        for char in "直骨门":
            own = [len(points) for _, points in drawn(font, char)]
            assert own == [len(points) for _, points in drawn(faces["Noto Sans CJK SC"], char, wght=weight)]
            bounds = []
            for source, location in ((font, None), (faces["Noto Sans CJK SC"], {"wght": weight})):
                glyphs = source.getGlyphSet(location=location)
                pen = BoundsPen(glyphs)
                glyphs[source.getBestCmap()[ord(char)]].draw(pen)
                bounds.append(pen.bounds)
            assert bounds[0] == pytest.approx(bounds[1], abs=1.5)  # whole units after rounding
        for char in "骨门":  # the Japanese and Taiwanese forms are others
            japanese = rounded(drawn(faces["Noto Sans CJK JP"], char, wght=weight))
            assert rounded(drawn(font, char)) != japanese


def test_bold_is_bolder(made: list[Path]):
    regular, bold = map(TTFont, made)
    for char in "直骨门表":
        assert ink(bold, char) > 1.3 * ink(regular, char)


def test_font_is_made_once(made: list[Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fonts, "characters", lambda: frozenset("直骨门表Aa。"))
    monkeypatch.setattr(fonts, "cut_down", lambda path: pytest.fail("made again"))
    assert fonts.font_files(made[0].parent) == made
    assert sorted(made[0].parent.iterdir()) == sorted(made)  # nothing unfinished lies about


def test_other_characters_make_another_font(made: list[Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fonts, "characters", lambda: frozenset("直骨门表Aa。们"))
    assert not set(fonts.font_files(made[0].parent)) & set(made)


def test_it_draws_with_the_book_font_whatever_the_system_has():
    """Bold Chinese in a fresh process: nothing on stderr, and the font is the book's."""
    code = """
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import font_manager
from tokrec import plot
plot.use_style()
figure, axes = plt.subplots()
axes.set_title("智能手表与推荐", fontweight="bold"); axes.set_xlabel("词频 −1 é 祐")
figure.canvas.draw()
for weight in ("normal", "bold"):
    print(font_manager.findfont(font_manager.FontProperties(family=plt.rcParams["font.family"][-1], weight=weight)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert [Path(line).name.split("-")[:2] for line in done.stdout.split()] == [["chinese", "400"], ["chinese", "700"]]


@pytest.fixture
def without_the_book_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where the font can't be made."""
    from matplotlib import font_manager

    def refuse(folder: Path | None = None) -> list[Path]:
        raise PackageNotFoundError(fonts.SOURCE)

    kept = [entry for entry in font_manager.fontManager.ttflist if entry.name not in (fonts.FAMILY, *fonts.SYSTEM_FONTS)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", kept)
    monkeypatch.setattr(fonts, "font_files", refuse)


def test_second_choice_is_a_system_font(without_the_book_font: None, monkeypatch: pytest.MonkeyPatch):
    assert fonts.chinese_font() is None
    monkeypatch.setattr(fonts, "SYSTEM_FONTS", ("No Such Font", "DejaVu Serif", "DejaVu Sans"))
    assert fonts.chinese_font() == "DejaVu Serif"


def test_a_folder_that_cannot_be_written_is_no_error(without_the_book_font: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("")
    monkeypatch.undo()
    with pytest.raises(OSError):
        fonts.font_files(tmp_path / "file" / "folder")


def test_without_any_chinese_font_it_says_so(
    without_the_book_font: None, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
):
    import matplotlib.pyplot as plt

    with plt.rc_context():
        plot.use_style()
        figure, axes = plt.subplots()
        axes.set_title("手表")
        figure.canvas.draw()  # boxes, but no warning for each character
    assert "pip install manimgx-fonts-cjk" in capsys.readouterr().out
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def figure_texts() -> dict[str, str]:
    """Every text that a figure could take its labels from."""
    texts = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        printed = [output.get("text", output.get("data", {}).get("text/plain", "")) for cell in cells for output in cell.get("outputs", [])]
        texts[path.name] = "".join("".join(part) for part in [*(cell["source"] for cell in cells), *printed])
    shelf = load_shelf()
    for name in ("items", "entities", "queries", "reviews"):
        table = getattr(shelf, name)
        texts[name] = " ".join(map(str, table.to_numpy().ravel()))
    return texts


def test_every_chinese_character_of_the_book_is_covered():
    texts = figure_texts()
    assert len(texts) > 10 and sum(map(len, texts.values())) > 100_000
    missing = {name: "".join(sorted(set(CHINESE.findall(text)) - fonts.characters())) for name, text in texts.items()}
    assert {name: chars for name, chars in missing.items() if chars} == {}, "add these characters to tokrec.fonts.EXTRA"


def test_the_font_really_has_these_characters():
    assert len(fonts.characters()) > 7500
    for path in fonts.font_files():
        assert fonts.characters() - set(map(chr, TTFont(path).getBestCmap())) == set()
