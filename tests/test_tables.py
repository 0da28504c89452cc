"""Files as people have them: headings, separators, encodings, spreadsheets, JSON; what is none of these; what is hostile."""

import gzip
import json
import os
import sqlite3
import tracemalloc
from io import BytesIO
from pathlib import Path
from threading import Thread
from zipfile import ZIP_DEFLATED, ZipFile

import pandas as pd
import pytest

from tokrec.datasets import read_items, tables
from tokrec.datasets.tables import read_table
from tokrec.recommend import ContentRecommender
from tokrec.text import item_texts

SIMPLIFIED = "书名,简介\n活着,一个人的一生，平凡而坚韧\n三体,外星文明来信，人类如何面对\n"
TRADITIONAL = "書名,簡介\n活著,一個人的一生，平凡而堅韌\n三體,外星文明來信，人類如何面對\n"
FRENCH = "title,description\nAmélie,une serveuse à Montmartre change la vie des autres\nLa Haine,vingt-quatre heures dans une cité\n"


def write(folder: Path, content: str | bytes, name: str = "items.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


HEADINGS = "title,plot|TITLE,Plot| Title , PLOT |片名,剧情|片名,劇情|標題,內容|書名,簡介|Name,Synopsis|\ufefftitle,plot"


@pytest.mark.parametrize("heading", HEADINGS.split("|"))
def test_headings_in_any_case_and_script(tmp_path: Path, heading: str):
    items = read_items(write(tmp_path, f"{heading}\nAlien,a monster in a spaceship\n"))
    assert items.values.tolist() == [["Alien", "a monster in a spaceship"]]


def test_plot_is_read_and_not_only_the_title(tmp_path: Path):
    path = write(tmp_path, "title,plot\nEmma,love in a village\nAlien,a monster hunts the crew of a spaceship\n")
    found = ContentRecommender("tfidf").fit(None, read_items(path)).recommend(text="a monster in a spaceship")
    assert found["item_id"].tolist() == ["2", "1"] and found["score"][0] > 0.5


def test_columns_used_and_left_are_known(tmp_path: Path):
    items = read_items(write(tmp_path, "ID,Title,year,genres,Overview\n7,Alien,1979,Horror|Sci-Fi,a monster\n"))
    columns = items.attrs["columns"]
    assert columns | {"read": ""} == {"read": "", "item_id": "ID", "title": ["Title"], "text": ["Overview", "genres"], "left": ["year"]}
    assert items.index.tolist() == ["7"] and items["text"].tolist() == ["a monster\nHorror Sci-Fi"]
    assert items.attrs["told"] == "commas, UTF-8; title from 'Title', text from 'Overview', 'genres', left: 'year'"
    chosen = read_items(tmp_path / "items.csv", text="YEAR")
    assert chosen["text"].tolist() == ["1979"] and chosen.attrs["columns"]["left"] == ["genres", "Overview"]


def test_what_was_read_can_be_stored_as_any_table(tmp_path: Path):
    items = read_items(write(tmp_path, "title,plot\nAlien,a monster\n"))
    items.to_parquet(tmp_path / "again.parquet")  # which stores attrs as JSON
    assert read_items(tmp_path / "again.parquet").values.tolist() == items.values.tolist()


def test_an_empty_title_beside_filled_ones_in_two_languages(tmp_path: Path):
    items = read_items(write(tmp_path, "title,title_en,title_zh,text_zh\n,To Live,活着,一个人的一生\nDune,,沙丘,\n"))
    assert items["title"].tolist() == ["", "Dune"] and items["title_zh"].tolist() == ["活着", "沙丘"]
    assert item_texts(items, "zh") == ["活着 一个人的一生", "沙丘 Dune"] and item_texts(items, "en") == ["To Live", "Dune"]
    only = read_items(write(tmp_path, "title_en,title_zh\nTo Live,活着\n"))
    assert item_texts(only, "en") == ["To Live"] and item_texts(only, "zh") == ["活着"]


def test_line_breaks_inside_titles(tmp_path: Path):
    items = read_items(write(tmp_path, 'title,text\n"two\nlines\r\n of a  title","first\nsecond"\n'))
    assert items.values.tolist() == [["two lines of a title", "first\nsecond"]]


@pytest.mark.parametrize(("mark", "name"), [(",", "commas"), ("\t", "tabs"), (";", "semicolons"), ("|", "bars")])
def test_separators(tmp_path: Path, mark: str, name: str):
    content = f'title{mark}text{mark}year\n"A{mark} b"{mark}"He said ""hi"""{mark}1999\nC{mark}d{mark}\n'
    table = read_table(write(tmp_path, content))
    assert table.told == f"{name}, UTF-8" and table.frame.values.tolist() == [[f"A{mark} b", 'He said "hi"', "1999"], ["C", "d", ""]]


def test_one_column_is_a_table(tmp_path: Path):
    assert read_items(write(tmp_path, "title\nA watch; with a strap\n"))["title"].tolist() == ["A watch; with a strap"]


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        *((SIMPLIFIED, code, code.upper().removesuffix("-SIG").removesuffix("-LE")) for code in "utf-8 utf-8-sig utf-16 utf-16-le".split()),
        *((SIMPLIFIED, code, "GB18030") for code in ("gb18030", "gbk", "gb2312")),
        *((TRADITIONAL, code, code.upper().removesuffix("-BE")) for code in "utf-8 utf-16-be big5".split()),
        *((FRENCH, code, code.upper()) for code in "utf-8 utf-16 cp1252".split()),
    ],
)
def test_encodings(tmp_path: Path, text: str, encoding: str, told: str):
    path = write(tmp_path, text.encode(encoding))
    expected = [line.split(",") for line in text.splitlines()[1:]]
    assert read_table(path).told == f"commas, {told}"
    assert read_items(path).values.tolist() == expected
    assert read_items(path, encoding=encoding).values.tolist() == expected


@pytest.mark.parametrize(
    ("text", "encoding", "told"), [("Amélie à Paris", "cp1252", "CP1252"), ("一个人的一生，平凡而坚韧", "gb18030", "GB18030")]
)
def test_an_encoding_is_told_by_what_comes_late(tmp_path: Path, text: str, encoding: str, told: str):
    rows = ["title", *(f"watch {row}" for row in range(20_000)), text]  # the first letter outside ASCII after 200 kB
    items = read_items(write(tmp_path, "\n".join(rows).encode(encoding)))
    assert items["title"].tolist()[-1] == text and items.attrs["columns"]["read"] == f"commas, {told}"


def test_an_encoding_that_cannot_be_told(tmp_path: Path):
    path = write(tmp_path, "title\nЧайка и море\n".encode("koi8-r"))
    with pytest.raises(ValueError, match=r"not UTF-8, and its encoding can't be told .*--encoding.*iconv.*PowerShell"):
        read_items(path)
    assert read_items(path, encoding="koi8-r")["title"].tolist() == ["Чайка и море"]
    with pytest.raises(ValueError, match="is not ascii"):
        read_items(path, encoding="ascii")
    with pytest.raises(ValueError, match="no encoding 'klingon': use a name such as utf-8"):
        read_items(path, encoding="klingon")


def test_workbooks(tmp_path: Path):
    pd.DataFrame({"標題": ["手錶", None], "簡介": ["防水", "紅色"], "id": [1, 2]}).to_excel(tmp_path / "items.xlsx", index=False)
    items = read_items(tmp_path / "items.xlsx")
    assert items.values.tolist() == [["手錶", "防水"], ["", "紅色"]] and items.index.tolist() == ["1", "2"]
    assert items.attrs["columns"]["read"] == "Excel workbook"


def test_parquet(tmp_path: Path):
    frame = pd.DataFrame({"title": ["A", None], "tags": [["space", "war"], ["love"]], "year": [1979.0, None], "id": [7, 8]})
    frame.to_parquet(tmp_path / "items.parquet")
    items = read_items(tmp_path / "items.parquet")
    assert items.values.tolist() == [["A", "space war"], ["", "love"]] and items.index.tolist() == ["7", "8"]


def test_json_lines_and_lists(tmp_path: Path):
    rows = [{"title": "三体", "tags": ["space", "war"], "year": 2008}, {"title": "Dune", "text": None, "year": 1965.0}]
    lines = write(tmp_path, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "items.jsonl")
    whole = write(tmp_path, json.dumps(rows), "items.json")
    for path in (lines, whole):
        assert read_items(path).values.tolist() == [["三体", "space war"], ["Dune", ""]]
        assert read_table(path).frame["year"].tolist() == ["2008", "1965"]
    with pytest.raises(ValueError, match="begins as JSON, but line 2 is none"):
        read_items(write(tmp_path, '{"title": "a"}\n{"title": \n'))
    with pytest.raises(ValueError, match="JSON, but not a list of objects"):
        read_items(write(tmp_path, "[1, 2]"))


def test_gzip(tmp_path: Path):
    assert read_table(write(tmp_path, gzip.compress(SIMPLIFIED.encode("gb18030")))).told == "commas, GB18030, unpacked from gzip"
    with pytest.raises(ValueError, match=r"compressed \(gzip\) and damaged"):
        read_table(write(tmp_path, gzip.compress(SIMPLIFIED.encode())[:-9]))


def zipped(names: list[str]) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an old Excel workbook \(\.xls\).*save it as 'CSV UTF-8'"),
        (zipped(["items.csv"]), "a zip archive: unpack it"),
        (zipped(["mimetype", "content.xml"]), "an OpenDocument or Word file: save its table"),
        (zipped(["xl/workbook.xml"]), "an Excel workbook that can't be read"),
        (b"PK\x03\x04broken", "a damaged zip archive"),
        (b"PAR1broken", "a Parquet file that can't be read"),
        (b"SQLite format 3\x00", "an SQLite database: export the table: sqlite3"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x89PNG\r\n", r"a picture \(PNG\)"),
        (b"\xff\xd8\xff\xe0", r"a picture \(JPEG\)"),
        (b"BZh91AY", "compressed .*bunzip2"),
        (b"\xfd7zXZ\x00", "compressed .*unxz"),
        (b"\x80\x04\x95\x10", "a Python pickle, which can run a stranger's code"),
        (b"  <!DOCTYPE html><table>", "a web page or XML: open it in a browser"),
        (b"", "is empty: it needs a heading"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        (b"title\n", "holds no item with a title"),
        (b"title,text\n,\n , \n", "holds no item"),
        (b"colour,size\nred,3\n", r"no title or text column that is known by name \(it has colour, size\): name one with text= \(--text"),
        (b"id,title\n1,a\n1,b\n", "item id '1' more than once in column 'id': keep one row an item"),
        (b"id,title\n1,a\n,b\n", "no item id in row 3, column 'id'"),
        (b"title,text\na,b\nc,d,e\n", "is not a table with commas.*quote fields that hold commas"),
        (b"title,text\na,b,c\n", "more fields than its heading: quote fields that hold commas"),
        (b'title\n"open\nb\n', "is not a table with commas"),
        (b"Title,title \na,b\n", "columns 'Title' and 'title ', which are one name"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(ValueError, match=message):
        read_items(write(tmp_path, content))


def test_a_real_database_is_named(tmp_path: Path):
    with sqlite3.connect(tmp_path / "items.csv") as database:
        database.execute("CREATE TABLE items (title)")
    with pytest.raises(ValueError, match="an SQLite database"):
        read_items(tmp_path / "items.csv")


@pytest.mark.parametrize("module", ["openpyxl", "pyarrow"])
def test_missing_readers_are_named(tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch):
    frame, name = pd.DataFrame({"title": ["A"]}), {"openpyxl": "items.xlsx", "pyarrow": "items.parquet"}[module]
    frame.to_excel(tmp_path / name, index=False) if module == "openpyxl" else frame.to_parquet(tmp_path / name)
    monkeypatch.setitem(__import__("sys").modules, module, None)
    monkeypatch.setitem(__import__("sys").modules, f"{module}.parquet", None)
    with pytest.raises(ValueError, match=f"pip install {module}"):
        read_items(tmp_path / name)


def peak_megabytes(function) -> float:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def test_a_ten_gigabyte_file_is_refused_unread(tmp_path: Path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)  # sparse: takes no room

    def refused() -> None:
        with pytest.raises(ValueError, match="has 10,240 MB; up to 256 are read: keep the columns and rows that are needed"):
            read_items(path)

    assert peak_megabytes(refused) < 10


def bomb(inner: str) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        with archive.open(inner, "w", force_zip64=True) as file:
            for _ in range(300):
                file.write(b"\x00" * 2**20)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["xlsx", "gzip"])
def test_bombs_are_refused_in_bounded_memory(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "LIMIT", 32 * 2**20)
    content = bomb("xl/worksheets/sheet1.xml") if kind == "xlsx" else gzip.compress(b"\x00" * 300 * 2**20)
    path = write(tmp_path, content)
    assert len(content) < 2**20

    def refused() -> None:
        with pytest.raises(ValueError, match=r"unpacked, has (300|more than 32) MB; up to 32 are read"):
            read_items(path)

    assert peak_megabytes(refused) < 150


def test_standard_input_is_bounded_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "LIMIT", 1000)
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": BytesIO(b"title\n" + b"x" * 2000)}))
    with pytest.raises(ValueError, match="standard input has more than 0 MB"):
        read_items("-")


def test_a_hundred_thousand_rows(tmp_path: Path):
    path = write(tmp_path, "id,title,text\n" + "".join(f"{row},Watch {row},A watch for divers\n" for row in range(100_000)))
    items = read_items(path)
    assert len(items) == 100_000 and items.loc["99999", "title"] == "Watch 99999"


def test_tables_as_pandas_writes_them(tmp_path: Path):
    frame = pd.DataFrame({"title": ["Jaws", "Up"], "text": [b"shark", b"balloon"]}, index=pd.Index(["tt1", "tt2"], name="item_id"))
    frame.to_parquet(tmp_path / "items.parquet")
    items = read_items(tmp_path / "items.parquet")
    assert items.index.tolist() == ["tt1", "tt2"] and items["text"].tolist() == ["shark", "balloon"]
    plain = pd.DataFrame({"title": ["Jaws", "Up"], "text": ["shark", "balloon"]})
    for orient in ("columns", "records", "list"):
        content = json.dumps(plain.to_dict(orient)) if orient == "list" else plain.to_json(orient=orient)
        assert read_items(write(tmp_path, content))["title"].tolist() == ["Jaws", "Up"], orient
    assert read_items(write(tmp_path, '{"title": "Jaws", "tags": ["a", "b"]}')).values.tolist() == [["Jaws", "a b"]]  # one item
    nested = pd.DataFrame({"title": ["A"], "text": [{"lines": ["x", "y"], "day": pd.Timestamp("2024-05-01")}]})
    nested.to_parquet(tmp_path / "nested.parquet")
    assert read_items(tmp_path / "nested.parquet")["text"].iloc[0].startswith("x y 2024-05-01")


@pytest.mark.parametrize(
    ("heading", "used"),
    [
        ("title_en,title_zh,description_en,description_zh", ["title_en", "title_zh", "text_en", "text_zh"]),
        ("name_en,name_zh,intro", ["title_en", "title_zh"]),
        ("productName,plot", []), ("Product.Name,plot", []), ("movieId,Movie Title,PLOT", []),
    ],
)  # fmt: skip
def test_headings_of_programs(tmp_path: Path, heading: str, used: list[str]):
    items = read_items(write(tmp_path, heading + "\n" + ",".join("abcd"[: heading.count(",") + 1]) + "\n"))
    assert [column for column in items if column not in ("title", "text")] == used
    assert (items != "").any(axis=None) and (used or items["title"].tolist()[0] != "")


def test_a_line_that_excel_writes_for_itself(tmp_path: Path):
    assert read_items(write(tmp_path, "sep=;\r\ntitle;plot\r\nA;b, c\r\n")).values.tolist() == [["A", "b, c"]]


@pytest.mark.parametrize("heading", ["title,title", "title,Title", " title,title"])
def test_a_heading_twice(tmp_path: Path, heading: str):
    with pytest.raises(ValueError, match="twice: rename|which are one name: rename"):
        read_items(write(tmp_path, f"{heading}\na,b\n"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("title\n기생충과 괴물 그리고 올드보이\n", "euc-kr"),
        ("title\n千と千尋の神隠し\n", "shift-jis"),
        ("title\nAmélie à Montmartre\n", "mac-roman"),
        ("title\nПривет мир\n", "cp1251"),
    ],
)
def test_other_encodings_are_not_guessed_at(tmp_path: Path, text: str, encoding: str):
    path = write(tmp_path, text.encode(encoding))
    with pytest.raises(ValueError, match="its encoding can't be told"):
        read_items(path)
    assert read_items(path, encoding=encoding)["title"].tolist() == [text.split("\n")[1]]


def test_traditional_characters_in_gbk_and_a_stray_zero(tmp_path: Path):
    assert read_items(write(tmp_path, TRADITIONAL.encode("gb18030"))).attrs["columns"]["read"] == "commas, GB18030"
    assert read_items(write(tmp_path, "title\nwatch\x00es and phones\n"))["title"].tolist() == ["watches and phones"]
    assert read_items(write(tmp_path, SIMPLIFIED.encode("utf-32")))["title"].tolist() == ["活着", "三体"]
    with pytest.raises(ValueError, match="a binary file of an unknown kind"):
        read_items(write(tmp_path, bytes(500) + b"x" * 20))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "begins as JSON, but line 1 is none"),
        (b"GIF89a", "a picture"), (b"ARROW1\x00\x00", "a Feather or Arrow file"), (b"\x89HDF\r\n", "an HDF5 file"),
        (b"\x80\x02}q\x00.", "a Python pickle"), (b"PK\x05\x06" + bytes(18), "an empty zip archive"),
    ],
)  # fmt: skip
def test_more_that_is_no_table(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(ValueError, match=message):
        read_items(write(tmp_path, content))


def test_flipped_bytes_in_gzip_and_long_lines(tmp_path: Path):
    whole = gzip.compress(SIMPLIFIED.encode() * 50)
    for place in range(10, len(whole), 7):
        path = write(tmp_path, whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with pytest.raises(ValueError):
            read_items(path)
    assert len(read_items(write(tmp_path, f"title,{'x' * 200_000}\na,b\n"))) == 1


def test_line_separators_and_half_characters_inside_json(tmp_path: Path):
    rows = [{"title": "a\u2028b\x85c"}, {"title": "cut emoji \ud83d"}]
    lines = "\n".join(json.dumps(row) if "cut" in row["title"] else json.dumps(row, ensure_ascii=False) for row in rows)
    assert read_items(write(tmp_path, lines))["title"].tolist() == ["a b c", "cut emoji \ufffd"]


def test_a_sheet_that_claims_to_be_huge(tmp_path: Path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["title"])
    book.active.append(["A"])
    book.active["XFD20000"] = "far away"
    book.save(tmp_path / "items.xlsx")

    def read() -> None:
        assert read_items(tmp_path / "items.xlsx")["title"].tolist()[0] == "A"

    assert peak_megabytes(read) < 150


def test_a_workbook_without_a_sheet_of_cells(tmp_path: Path):
    from openpyxl import Workbook

    book = Workbook()
    book.create_chartsheet("chart", 0)
    book.active.title = "first"
    book.save(tmp_path / "items.xlsx")
    with pytest.raises(ValueError, match="is empty|can't be read"):
        read_items(tmp_path / "items.xlsx")


def test_a_parquet_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "LIMIT", 32 * 2**20)
    pd.DataFrame({"title": ["x" * 10**5] * 3000}).to_parquet(tmp_path / "items.parquet")
    assert (tmp_path / "items.parquet").stat().st_size < 10**6
    with pytest.raises(ValueError, match="unpacked, has more than 32 MB"):
        read_items(tmp_path / "items.parquet")


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_named_pipe(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    writer = Thread(target=lambda: (tmp_path / "pipe").write_text("title\nwatch\n"))
    writer.start()
    assert read_items(tmp_path / "pipe")["title"].tolist() == ["watch"]
    writer.join()
