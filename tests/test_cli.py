"""The command line: sensible first pages, one's own items, the cache, messages for mistakes."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

import tokrec
from tokrec.cli import as_typed, main, show, width
from tokrec.datasets import movielens_folder

ARTICLES = [
    "我喜欢看电影",
    "最近天气很好",
    "我最喜欢的食物是火锅",
    "这本书非常有趣",
    "我爱编程",
    "I am interested in technology and programming.",
    "想要购买一款智能手表",
    "机器学习在自然语言处理中的应用",
    "我最近在寻找一款性价比高的智能手机",
]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's cache folder, for the time of these tests somewhere else."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platformdirs.user_cache_path", lambda name: folder / name)
        yield folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run the command line: the lines of its output above the verdict, after checking its exit status."""

    def call(*arguments: str) -> list[str]:
        assert main(arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        if arguments[0] == "recommend" and "--user" not in arguments:
            assert lines.pop().startswith("verdict: ")
        return lines

    return call


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]):
    """Run the command line in vain: its message."""

    def call(*arguments: str) -> str:
        assert main(arguments) == 2
        found = capsys.readouterr()
        assert found.out == "" and found.err.startswith("tokrec: ") and found.err.count("\n") == 1
        return found.err

    return call


def kinds(query: str, k: int) -> list[str]:
    from tokrec.mining import shelf_recommender

    items = tokrec.load_shelf().items
    return items.loc[shelf_recommender().recommend(text=query, k=k)["item_id"], "kind"].tolist()


@pytest.mark.parametrize("query", ARTICLES)
def test_the_articles_queries(run, query: str):
    lines = run("recommend", query, "-k", "5")
    assert lines[0].split() == ["rank", "title", "domain", "score", "shared"] and len(lines) == 6
    rows = [re.split(r"\s{2,}", line) for line in lines[1:]]
    assert [row[0] for row in rows] == list("12345")
    title = f"title_{'zh' if tokrec.guess_language(query) == 'zh' else 'en'}"
    assert {row[1] for row in rows} <= set(tokrec.load_shelf().items[title])
    scores = [float(row[3]) for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_a_watch_comes_first_for_the_watch_query(run):
    assert kinds("想要购买一款智能手表", 5).count("watch") >= 4
    assert kinds("想要购买一款智能手表", 1) == ["watch"] == kinds("I want to buy a smart watch", 1)


def test_code_is_among_the_first_five_for_programming(run):
    assert "Code: The Hidden Language" in " ".join(run("recommend", "I am interested in technology and programming.", "-k", "5"))


@pytest.mark.parametrize("query", ["我最近在寻找一款性价比高的智能手机", "I am looking for a smartphone that is good value for money"])
def test_phones_for_the_phone_query(query: str):
    assert kinds(query, 1) == ["phone"] and kinds(query, 5).count("phone") >= 3


def test_hot_pot_and_films():
    assert set(kinds("我最喜欢的食物是火锅", 3)) <= {"recipe", "food", "kitchen", "place"}
    assert "film" in kinds("我喜欢看电影", 5) and "book" in kinds("这本书非常有趣", 5)


def test_a_reader_of_the_shelf(run):
    shelf = tokrec.load_shelf()
    user = shelf.interactions["user_id"].value_counts().index[0]
    lines = run("recommend", "--user", user, "-k", "4")
    assert lines[0] == f"{user} rated last:" and lines[1].split() == ["rating", "title", "domain"]
    blank = lines.index("")
    latest = shelf.interactions[shelf.interactions["user_id"] == user].iloc[-1]
    assert shelf.items.loc[latest["item_id"], "title_en"] in "".join(lines[2:blank])
    assert lines[blank + 1].split() == ["rank", "title", "domain", "score"] and len(lines[blank + 2 :]) == 4
    seen = set(shelf.items.loc[shelf.interactions["item_id"][shelf.interactions["user_id"] == user], "title_en"])
    assert not {re.split(r"\s{2,}", line)[1] for line in lines[blank + 2 :]} & seen


def test_info(run):
    text = "\n".join(run("info"))
    shelf = tokrec.load_shelf()
    for part in (
        tokrec.__version__,
        "torch",
        "jieba",
        "device",
        f"{len(shelf.items)} items",
        f"{len(shelf.reviews)} reviews",
        "tokrec-mini",
        "MovieLens",
        "cache",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recommend"], "give a text or --user ID"),
        (["recommend", "x", "--user", "u0001"], "give a text or --user ID"),
        (["recommend", "--user", "nobody"], "--user 'nobody' is no reader of the shelf: they are u0000 to u1999"),
        (["recommend", "  "], "the query is blank"),
        (["recommend", "x", "--items", "nowhere.csv"], "there is no file nowhere.csv"),
        (["recommend", "x", "--items", ""], "there is no file"),
        (["recommend", "--user", "u0001", "--items", ""], "it cannot go with --items"),
        (["recommend", "x", "--text", "plot"], "--text says something about --items: give that file too"),
        (["recommend", "--user", "u0001", "--items", "a.csv"], "it cannot go with --items"),
    ],
)
def test_mistakes_end_with_a_message(fails, arguments: list[str], message: str):
    assert message in fails(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: command"),
        (["recommend", "x", "-k", "many"], "argument -k: must be a whole number of at least 1, got 'many'"),
        (["recommend", "watch", "-k", "0"], "argument -k: must be a whole number of at least 1, got '0'"),
        (["recommend", "--user", "u0001", "-k=-3"], "argument -k: must be a whole number of at least 1, got '-3'"),
        (["recommend", "watch", "--format", "xml"], "argument --format: invalid choice: 'xml'"),
        (["dance"], "invalid choice: 'dance'"),
    ],
)
def test_wrong_grammar(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    told = capsys.readouterr().err
    assert "usage: tokrec" in told and message in told


@pytest.mark.parametrize(
    ("content", "query", "first"),
    [
        ("title,description\nHeron,A watch for divers\nFig,A phone for children\n", "a watch to dive with", "Heron"),
        ("片名,简介\n教父,一个黑帮家族的兴衰\n海底总动员,小丑鱼爸爸寻找儿子\n", "黑帮电影", "教父"),
        ("plot,price\ndetectives in London,3\nspaceships and robots,4\n", "robots in space", "spaceships and robots"),
    ],
)
def test_items_of_ones_own(run, tmp_path: Path, content: str, query: str, first: str):
    path = tmp_path / "own.csv"
    path.write_text(content, encoding="utf-8")
    lines = run("recommend", query, "--items", str(path), *(["--text", "plot"] if content.startswith("plot") else []))
    assert len(lines) == 3 and re.split(r"\s{2,}", lines[1])[:2] == ["1", first]


def test_vectors_are_cached_and_a_damaged_cache_is_mended(run, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "own.csv"
    path.write_text("title\nlight novel\nlight laptop\nlight rain\n", encoding="utf-8")
    first = run("recommend", "a thin notebook", "--items", str(path))
    assert [found.name for found in tmp_path.iterdir()] == ["own.csv"]  # nothing is written beside the items
    counted: list[int] = []
    encode = tokrec.Encoder.encode
    monkeypatch.setattr(
        tokrec.Encoder, "encode", lambda self, texts, *rest, **named: counted.append(len(texts)) or encode(self, texts, *rest, **named)
    )
    assert run("recommend", "a thin notebook", "--items", str(path)) == first and counted == [1]  # the query alone
    stored = cache / "tokrec" / "vectors.sqlite"
    stored.write_bytes(stored.read_bytes()[:-3000])
    assert run("recommend", "a thin notebook", "--items", str(path)) == first and sorted(counted) == [1, 1, 3]


def test_verdict_stands_under_the_list(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    def verdict(*arguments: str) -> tuple[str, float]:
        assert main(["recommend", *arguments, "-k", "3"]) == 0
        line = capsys.readouterr().out.splitlines()[-1]
        said, probability = re.match(r"verdict: (.*?); .* with probability (0\.\d\d)", line).groups()
        return said, float(probability)

    for query in ("👍", "。！", "?!"):
        said, probability = verdict(query)
        assert said == "not sure that anything here is relevant" and probability < 0.2, query
    for query in ("想要购买一款智能手表", "I want to buy a smart watch"):
        said, probability = verdict(query)
        assert (
            said == "relevant"
            and probability > 0.5  # more likely than not
            and probability == pytest.approx(tokrec.mine(query).similar["probability"][0], abs=0.01)
        )
    (tmp_path / "own.csv").write_text("title\nspaceships and robots\n", encoding="utf-8")
    assert main(["recommend", "robots", "--items", str(tmp_path / "own.csv")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("(calibrated on the bundled shelf)")


def test_words_need_no_quotes(run):
    assert run("recommend", "smart", "watch", "for", "divers", "-k", "2") == run("recommend", "smart watch for divers", "-k", "2")


def test_answers_for_programs(capsys: pytest.CaptureFixture[str]):
    assert main(["recommend", "智能手表", "-k", "2", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert main(["recommend", "智能手表", "-k", "2", "--format", "csv"]) == 0
    out, told = capsys.readouterr()
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["item_id"] for row in rows] == [item["item_id"] for item in answer["items"]] and len(rows) == 2
    assert list(rows[0]) == ["item_id", "rank", "title", "domain", "score", "shared"] == list(answer["items"][0])
    assert answer["remark"].startswith("verdict: ") and told.strip() == answer["remark"]
    assert main(["recommend", "--user", "u0007", "-k", "2", "--format", "json"]) == 0
    assert [item["rank"] for item in json.loads(capsys.readouterr().out)["items"]] == [1, 2]


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_no_cell_begins_as_a_formula(title: str, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    pd.DataFrame({"id": [title], "title": [title], "text": ["robots"]}).to_csv(tmp_path / "own.csv", index=False)
    assert main(["recommend", "robots", "--items", str(tmp_path / "own.csv"), "--format", "csv"]) == 0
    (row,) = csv.reader(capsys.readouterr().out.splitlines()[1:])
    assert not [cell for cell in row if cell[:1] in tuple("=+@\t\r") or re.match(r"-(?!\d+\.\d+$)", cell)]


def test_line_breaks_and_control_characters_do_not_break_the_table(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    rows = [{"title": "two\nlines\r\nof\u2028robots", "text": "robots"}, {"title": "red \x1b[31m alert\x07", "text": "robots"}]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(["recommend", "robots", "--items", str(tmp_path / "own.jsonl")]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 5 and any("two lines of robots" in line for line in lines) and "\x1b" not in "".join(lines)


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    path = tmp_path / "own\x1b[31m.csv"
    path.write_text("ti\x1b[31mtle\x1b]0;pwn\x07\nrobots\n", encoding="utf-8")
    assert main(["recommend", "robots", "--items", str(path)]) == 2
    path.write_text("title,left\x1b\n\x1b[31mrobots\x07,x\n", encoding="utf-8")
    for style in ("csv", "table", "json"):
        assert main(["recommend", "robots", "--items", str(path), "--format", style]) == 0
    assert not set("".join(capsys.readouterr())) & {"\x1b", "\x07"}


def test_columns_used_and_left_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "own.csv").write_text(
        "Title ,PLOT,Year\nAlien,a monster in a spaceship,1979\nEmma,love in a village,1996\n", encoding="utf-8"
    )
    assert main(["recommend", "monsters in space", "--items", str(tmp_path / "own.csv")]) == 0
    out, told = capsys.readouterr()
    assert told == f"{tmp_path / 'own.csv'}: commas, UTF-8; title from 'Title ', text from 'PLOT', left: 'Year'\n"
    assert "Alien" in out.splitlines()[1]


def python(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "tokrec", *arguments]
    return subprocess.run(command, capture_output=True, input=stdin.encode(), env=os.environ | environment)


def test_standard_input():
    done = python("recommend", "robots in space", "--items", "-", stdin="title;plot\nA;spaceships and robots\nB;detectives in London\n")
    assert done.returncode == 0 and done.stdout.decode().splitlines()[1].split()[1] == "A"
    assert done.stderr.decode() == "standard input: semicolons, UTF-8; title from 'title', text from 'plot', left: none\n"


@pytest.mark.skipif(sys.platform == "win32", reason="the shell of POSIX")
@pytest.mark.parametrize(("closed", "status", "told"), [("<&-", 2, "standard input is closed"), (">&-", 0, ""), ("2>&-", 2, "")])
def test_closed_streams(closed: str, status: int, told: str):
    items = "" if closed == ">&-" else "--items -"
    command = f"{sys.executable} -m tokrec recommend watch {items} {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == status and told in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names of files as bytes")
def test_a_chinese_file_name_under_a_c_locale(tmp_path: Path):
    (tmp_path / "电影.csv").write_text("title\nrobots\n", encoding="utf-8")
    done = python("recommend", "robots", "--items", str(tmp_path / "电影.csv"), LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0, done.stderr


def test_version_by_module_and_option():
    assert python("--version").stdout.decode().strip() == f"tokrec {tokrec.__version__}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX locale")
@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "POSIX"}])
def test_a_c_locale_does_not_blank_a_chinese_query(locale: dict[str, str]):
    done = python("recommend", "智能手表", "-k", "1", "--format", "json", **locale)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["items"][0]["item_id"].startswith("watch-")


def test_words_in_another_encoding_than_the_locale_says(monkeypatch: pytest.MonkeyPatch):
    latin = "智能手表".encode().decode("latin-1")
    monkeypatch.setattr("os.fsencode", lambda word: word.encode("latin-1"))
    assert as_typed(latin) == "智能手表"
    assert as_typed("caf\xe9") == "caf\xe9" and as_typed("watch") == "watch"  # Latin-1 as the locale says; and plain ASCII
    assert as_typed("智") == "智"  # not Latin-1 at all


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_closed_pipe_ends_quietly():
    code = "import sys; from tokrec.cli import show; import pandas as pd; from tokrec import cli\n"
    code += "cli.info = lambda: [print('x' * 100) for _ in range(10000)]\nsys.exit(cli.main(['info']))"
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdout.read(10)
    running.stdout.close()
    told = running.stderr.read()
    assert running.wait() == 141 and told == b""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_while_it_works_ends_quietly():
    """A real interrupt of a real process that is reading its input: a pipe takes a megabyte only if somebody reads it."""
    command = [sys.executable, "-m", "tokrec", "recommend", "robots", "--items", "-"]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
    running.stdin.write(b"title\n" + b"x" * 2**20)
    running.stdin.flush()
    running.send_signal(signal.SIGINT)
    out, told = running.communicate()
    assert (running.returncode, out, told) == (130, b"", b"")


def test_the_command_line_itself_loads_in_no_time():
    code = f"import sys, tokrec.cli; print(*[name for name in {('pandas', 'numpy', 'torch', 'sklearn')} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tokrec.cli.info", interrupted)
    assert main(["info"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MovieLens' films as the file that people have."""
    with ZipFile(movielens_folder() / "ml-latest-small.zip") as archive:
        return Path(archive.extract("ml-latest-small/movies.csv", tmp_path_factory.mktemp("movies")))


@pytest.mark.parametrize(
    ("query", "sensible"),
    [
        ("a space adventure for children", "children"),  # a film for children with space travel or adventure among the first five
        ("黑帮电影", "crime"),  # gangster films: a crime film among the first five, found across languages
    ],
)
def test_movielens(query: str, sensible: str, run, movies: Path):
    known = pd.read_csv(movies).drop_duplicates("title").set_index("title")["genres"]
    lines = run("recommend", query, "--items", str(movies), "-k", "5")
    genres = [known[re.split(r"\s{2,}", line)[1]] for line in lines[1:]]
    if sensible == "crime":
        assert any("Crime" in found for found in genres), lines
    else:
        assert any("Children" in found and ("Sci-Fi" in found or "Adventure" in found) for found in genres), lines


def test_columns_line_up(capsys: pytest.CaptureFixture[str]):
    assert width("a智b") == 4 and width("") == 0
    show(pd.DataFrame({"title": ["智能手表", "watch"], "score": [0.5, 1.25]}))
    assert capsys.readouterr().out == "title     score\n智能手表  0.500\nwatch     1.250\n"


def test_an_answer_waits_for_nothing_it_does_not_need():
    """A cold start reads one text, the wish: not the descriptions; and it loads neither transformers nor spaCy."""
    code = """
import sys, tokrec
from tokrec.features.encoder import Encoder
encode = Encoder.encode
Encoder.encode = lambda self, texts, *rest, **named: print("encodes", len(texts)) or encode(self, texts, *rest, **named)
from tokrec.cli import main
main(["recommend", "想要购买一款智能手表", "-k", "1"])
print("loaded", *{"transformers", "spacy", "matplotlib", "sentence_transformers"} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "encodes 1" and lines[-1] == "loaded" and len(lines) == 5
