"""Text: cleaning, language, stop words, segmentation; hand-made cases, and properties of any Unicode string."""

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from growth import assert_linear
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tokrec.text import clean, guess_language, part_of_speech, simplified, stop_words, well_formed, words
from tokrec.tokens import segment

# All of Unicode with lone surrogates, and an alphabet in which markup, both languages, emoji and right-to-left text meet often.
NASTY = "<>&;/!-[]\"'= \t\n\x00\u200b\u200f\u0301ab1Cé我的。，ＡｂΩאبك😀👩\u200d💻\ud83d\ude00\ufdfa\u2028+#."
UNICODE = st.characters(exclude_categories=())
ANY_TEXT = st.one_of(
    st.text(UNICODE, max_size=200), st.text(st.sampled_from(NASTY), max_size=200), st.text(st.sampled_from("<>&!-[]/a "), max_size=60)
)
any_text = settings(max_examples=150, deadline=None)


def squeeze(text: str) -> str:
    return "".join(char for char in text if not char.isspace())


@pytest.mark.parametrize(
    ("dirty", "wanted"),
    [
        ("", ""),
        (" \t\r\n\u3000 ", ""),
        ("<p>智能<b>手表</b></p>", "智能 手表"),
        ("one<br/>two", "one two"),
        ("Fish &amp; chips &#33; &lt;3", "Fish & chips ! <3"),
        ("a<script>alert('x < y')</script>b<style>p {color: red}</style>c<!-- note -->d", "a b cd"),
        ('<a href="x" title="y">link</a>', "link"),
        ("ＡＢＣ１２３，好", "ABC123,好"),
        ("C++ & C#, .NET 4K :-) I <3 it", "C++ & C#, .NET 4K :-) I <3 it"),
        ("if a < b and c > d", "if a < b and c > d"),
        ("null\x00 bell\x07", "null bell"),
        ("Hello   WORLD", "Hello WORLD"),
        ("👩\u200d💻 好", "👩\u200d💻 好"),
        ("e\x00\u0301", "é"),
        ("智\u200b能\u00ad手\u2060表\ufeff", "智能手表"),
        ("smart\u00ad\u200dwatch", "smartwatch"),
        ("\u200cＡ e\u00ad\u0301", "A é"),
        ("नमस्\u200dते می\u200cخواهم", "नमस्\u200dते می\u200cخواهم"),
        ("<b>x</b> a < b &lt; c <i", "x a < b < c <i"),
        ("<p>x</p><script>if (a > b) hide()", "x"),
        ("<p>x</p><SCRIPT type='a'>'<!--'</script >y<!-- <b>z</b> --> w <style>p {}</style>v<!-->u", "x y w vu"),
        ("<p>x</p> <!-- never closed <b>y</b>", "x <!-- never closed y"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("<p>x</p><![ odd section", "x <![ odd section"),
    ],
)
def test_clean_by_hand(dirty: str, wanted: str):
    assert clean(dirty) == wanted


def test_clean_of_nested_markup_takes_one_layer_at_a_time():
    assert clean("&lt;b&gt;bold&lt;/b&gt;") == "<b>bold</b>"
    assert clean("<b>bold</b>") == "bold"


@any_text
@given(ANY_TEXT)
def test_clean_leaves_normal_text(text: str):
    cleaned = clean(text)
    assert cleaned == " ".join(cleaned.split())
    assert unicodedata.is_normalized("NFKC", cleaned)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Co") for char in cleaned)


@any_text
@given(ANY_TEXT)
def test_clean_is_idempotent_but_for_markup(text: str):
    cleaned = clean(text)
    assume(not {"<", "&"} & set(cleaned))  # what is still markup, or becomes it when entities and full-width signs are decoded
    assert clean(cleaned) == cleaned


@any_text
@given(st.text(UNICODE.filter(lambda char: char not in "<&" and unicodedata.category(char) != "Cf"), max_size=200))
def test_clean_without_markup_is_normal_form(text: str):
    # The independent truth: NFKC of the text without control, surrogate and private characters, white space squeezed.
    # (Invisible characters, category Cf, have a test of their own.)
    kept = "".join(char if char.isspace() else "" if unicodedata.category(char) in ("Cc", "Cs", "Co") else char for char in text)
    assert clean(text).split() == unicodedata.normalize("NFKC", kept).split()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我喜欢看电影", "zh"),
        ("I am interested in technology and programming.", "en"),
        ("智能手表 Apple Watch", "zh"),  # 4 characters against 2 words
        ("手表 for running in the rain", "en"),  # 2 against 5
        ("买 watch", "zh"),  # 1 against 1: Chinese
        ("café", "en"),
        ("😀👍 123 !?", "und"),
        ("", "und"),
        ("Привет мир", "und"),
    ],
)
def test_guess_language_by_hand(text: str, language: str):
    assert guess_language(text) == language


@any_text
@given(ANY_TEXT)
def test_guess_language_is_one_of_three(text: str):
    assert guess_language(text) in ("zh", "en", "und")


def test_stop_words():
    assert {"the", "and"} <= stop_words("en") and {"的", "了"} <= stop_words("zh")
    assert not stop_words("en") & stop_words("zh")
    assert stop_words() == stop_words("en") | stop_words("zh")
    assert all(word == word.lower().strip() and word for word in stop_words())
    with pytest.raises(ValueError, match="'fr'.*'zh', 'en' or None"):
        stop_words("fr")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The cat sat on the mat", ["cat", "sat", "mat"]),
        ("Learn C++ and C# on .NET in 4K, don't panic: x86-64!", ["learn", "c++", "c#", ".net", "4k", "panic", "x86-64"]),
        ("想要购买一款智能手表", ["购买", "智能", "手表"]),
        ("用Python学习机器学习", ["python", "学习", "机器", "学习"]),
        ("性价比高的智能手机", ["性价比", "高", "智能", "能手", "手机", "智能手机"]),
        ("1,299 yuan, 12,34 or 1,000,000.50", ["1299", "yuan", "12", "34", "1000000.50"]),
        ("的 了 the and of", []),
        ("😀👍🎉", []),
        ("!?。，《》", []),
        ("", []),
    ],
)
def test_words_by_hand(text: str, wanted: list[str]):
    assert words(text) == wanted


def test_words_keeps_stop_words_if_told():
    assert words("The cat", drop_stop_words=False) == ["the", "cat"]


@any_text
@given(ANY_TEXT)
def test_words_are_lower_case_without_stop_words(text: str):
    for word in words(text):
        assert word and word == word.lower() and not any(char.isspace() for char in word)
        assert word not in stop_words()


@any_text
@given(ANY_TEXT)
def test_characters_are_the_text_without_white_space(text: str):
    assert "".join(segment(text, "char")) == squeeze(text)


@any_text
@given(ANY_TEXT)
def test_word_segmentation_loses_nothing(text: str):
    pieces = segment(text, "word")
    assert squeeze("".join(pieces)) == squeeze(well_formed(text))
    assert all(piece.strip() for piece in pieces)


@any_text
@given(ANY_TEXT)
def test_part_of_speech_covers_the_text(text: str):
    tagged = part_of_speech(text)
    assert squeeze("".join(word for word, _ in tagged)) == squeeze(well_formed(text))
    assert all(tag for _, tag in tagged)


@any_text
@given(ANY_TEXT)
def test_well_formed_can_be_encoded(text: str):
    mended = well_formed(text)
    mended.encode("utf-8")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        assert mended != text
    else:
        assert mended == text


def test_well_formed_joins_pairs_and_replaces_halves():
    assert well_formed("\ud83d\ude00 \ud800x") == "😀 \ufffdx"


def test_segment_by_hand():
    assert segment("我喜欢看电影") == ["我", "喜欢", "看", "电影"]
    assert segment("Don't stop, 请继续!") == ["Do", "n't", "stop", ",", "请", "继续", "!"]
    assert segment("a 我 b", "char") == ["a", "我", "b"]
    assert segment(" \n", "word") == segment("", "char") == segment("", "subword") == []
    with pytest.raises(ValueError, match="by must be 'word', 'char' or 'subword', not 'syllable'"):
        segment("x", by="syllable")


def test_part_of_speech_by_hand():
    tags = dict(part_of_speech("我喜欢电影"))
    assert tags["我"] == "r" and tags["喜欢"] == "v" and tags["电影"] == "n"
    assert part_of_speech("") == []


@pytest.mark.parametrize("function", [clean, guess_language, words, segment, part_of_speech, well_formed])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "got None: drop missing values"),
        (float("nan"), "got nan: drop missing values"),
        (b"ab", "not bytes: decode it first"),
        (3, "got 3: convert it"),
    ],
)
def test_what_is_no_text_is_refused(function, value, message: str):
    with pytest.raises(TypeError, match=message):
        function(value)


def test_words_that_mix_scripts_stay_whole():
    assert segment("买一件T恤和U盘") == ["买", "一件", "T恤", "和", "U盘"]
    assert words("A股、卡拉OK，T恤衫") == ["a股", "卡拉", "ok", "t恤衫"]
    assert words("用C语言写的3.5寸u盘 C++") == ["c语言", "写", "3.5", "寸", "u盘", "c++"]
    assert segment("iPhone15手机") == ["iPhone15", "手机"]  # no word of the dictionary
    assert ("T恤", "n") in part_of_speech("红T恤")


def test_words_added_to_jieba_stay_whole():
    import jieba

    before = segment("想买iPhone手机壳和石墨烯电池"), words("想买iphone手机壳")
    try:
        jieba.add_word("iPhone手机壳")
        jieba.add_word("石墨烯电池")
        assert segment("想买iPhone手机壳和石墨烯电池") == ["想", "买", "iPhone手机壳", "和", "石墨烯电池"]
        assert words("想买iphone手机壳") == ["买", "iphone手机壳"]
    finally:
        jieba.del_word("iPhone手机壳")
        jieba.del_word("石墨烯电池")
    assert (segment("想买iPhone手机壳和石墨烯电池"), words("想买iphone手机壳")) == before


@pytest.mark.parametrize(
    ("traditional", "simple"),
    [
        ("我想買一塊智慧手錶", "我想买一块智慧手表"),
        ("皇后的頭髮", "皇后的头发"),
        ("乾淨的麵條", "干净的面条"),
        ("後天在裡面見", "后天在里面见"),
        ("標題、內容、簡介、詞元", "标题、内容、简介、词元"),
    ],
)
def test_traditional_characters_count_as_simplified_ones(traditional: str, simple: str):
    assert simplified(traditional) == simple and words(traditional) == words(simple)
    assert clean(traditional) == traditional and "".join(segment(traditional)) == traditional  # the writing stays elsewhere


def test_simplified_leaves_everything_else():
    for text in ("smart watch", "", "智能手表 C++ 😀", "ひらがな"):
        assert simplified(text) == text
    with pytest.raises(TypeError, match="must be a string"):
        simplified(None)


JIEBA = """
import os, sys, tempfile
from tokrec.text import words
import jieba
print(words("智能手表"), tempfile.tempdir, jieba.dt.tmp_dir)
"""


def run_jieba(folder: Path, **environment: str) -> list[str]:
    """Words and jieba's folder, in a process of its own; nothing may stand on stderr."""
    temporary = {"TMPDIR": str(folder / "tmp"), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    (folder / "tmp").mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-c", JIEBA], capture_output=True, text=True, env=os.environ | temporary | environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="folders as Linux has them")
def test_jieba_keeps_its_cache_in_the_users_own_folder(tmp_path: Path):
    import marshal

    planted = tmp_path / "tmp" / "jieba.cache"
    planted.parent.mkdir()
    planted.write_bytes(marshal.dumps(({"智能手表": 10**9, "智": 0, "智能": 0, "智能手": 0}, 10**9)))  # what a stranger could put there
    os.utime(planted, (2**31, 2**31))
    for _ in range(2):
        *found, temporary, folder = run_jieba(tmp_path)
        assert found == ["['智能',", "'手表']"] and temporary == "None" and folder == str(tmp_path / "cache" / "tokrec" / "jieba")
    assert (tmp_path / "cache" / "tokrec" / "jieba" / "jieba.cache").is_file()
    assert sorted(path.name for path in (tmp_path / "tmp").iterdir()) == ["jieba.cache"]  # the planted one, untouched


@pytest.mark.skipif(sys.platform != "linux", reason="folders as Linux has them")
def test_jieba_without_a_folder_to_write_to(tmp_path: Path):
    (tmp_path / "cache").write_text("in the way")
    *found, _, folder = run_jieba(tmp_path)
    assert found == ["['智能',", "'手表']"] and not Path(folder).exists()  # a private one, gone afterwards


PIECES = {
    "English": "The quick brown fox likes smart watches. ",
    "Chinese": "想要购买一款智能手表，性价比要高。",
    "mixed": "I want 一款 smart 手表 for 跑步! ",
    "one word": "a",
    "emoji": "😀",
    "addresses": "http://example.org/",
    "markup": "<p>Smart <b>watch</b> &amp; 手表</p>\n",
}


HOSTILE = ["<a ", "<!--", "<!-- --!", '<a b="', '<a b="x" ', "<a/", "<a =", "</a ", "<![CDATA[", "<script>", "&#", "<", "<b><!--", "<?"]


@pytest.mark.parametrize("end", ["", ">", "</a>", '">', "-->"])
@pytest.mark.parametrize("piece", HOSTILE)
def test_cleaning_takes_linear_time_whatever_comes(piece: str, end: str):
    assert_linear(lambda size: clean("<b>" + piece * size + end), 2_000)


def test_many_marks_and_one_long_word_take_linear_time():
    assert_linear(lambda size: clean("a" + "\u0301\u0316" * size), 5_000)
    assert_linear(lambda size: words("中" * size), 5_000)
    assert clean("Việt é ñ שָׁלוֹם") == unicodedata.normalize("NFKC", "Việt é ñ שָׁלוֹם")  # no real word has that many


def test_one_apostrophe():
    assert words("children’s") == words("children's") == ["children's"] and words("I don’t") == words("I don't")


@pytest.mark.parametrize("kind", PIECES)
@pytest.mark.parametrize("function", [clean, words, segment, guess_language])
def test_time_grows_with_the_length_of_a_text(function, kind: str):
    assert_linear(lambda size: function(PIECES[kind] * (size // len(PIECES[kind]))), 50_000)
