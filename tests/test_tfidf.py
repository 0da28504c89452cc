"""TF-IDF and keywords: worked by hand, and against scikit-learn."""

import math

import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer

from tokrec.features.tfidf import TfidfFeatures, check_k
from tokrec.text import words

TEXTS = ["apple pie apple", "apple tart", "苹果 派", "智能手表 smart watch", "smart phone and watch"]


@pytest.fixture(scope="module")
def features() -> TfidfFeatures:
    return TfidfFeatures().fit(TEXTS)


def test_two_texts_by_hand():
    # n = 2; df(apple) = 2, df(pie) = 1, df(tart) = 1. idf(apple) = ln(3/3) + 1 = 1; idf(pie) = idf(tart) = ln(3/2) + 1 = 1.405465.
    # "apple pie apple": apple 1 + ln 2 = 1.693147, pie 1 · 1.405465; length sqrt(1.693147² + 1.405465²) = 2.200455.
    table = TfidfFeatures().fit(["apple pie apple", "apple tart"])
    assert list(table.get_feature_names_out()) == ["apple", "pie", "tart"]
    assert table.idf().to_dict() == pytest.approx({"apple": 1, "pie": 1.405465, "tart": 1.405465}, abs=1e-6)
    rows = table.transform(["apple pie apple"]).toarray()
    assert rows[0] == pytest.approx([0.769453, 0.638716, 0], abs=1e-5)
    # Without the logarithm: apple 2 · 1, pie 1.405465, length sqrt(4 + 1.975332) = 2.444450.
    rows = TfidfFeatures(sublinear_tf=False).fit(["apple pie apple", "apple tart"]).transform(["apple pie apple"]).toarray()
    assert rows[0] == pytest.approx([2 / 2.444450, 1.405465 / 2.444450, 0], abs=1e-5)


@pytest.mark.parametrize("sublinear", [True, False])
@pytest.mark.parametrize("min_df", [1, 2])
@pytest.mark.parametrize("drop", [True, False])
def test_equals_scikit_learn(sublinear: bool, min_df: int, drop: bool):
    ours = TfidfFeatures(sublinear, min_df, drop).fit(TEXTS)
    theirs = TfidfVectorizer(analyzer=lambda text: words(text, drop_stop_words=drop), sublinear_tf=sublinear, min_df=min_df).fit(TEXTS)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    np.testing.assert_allclose(ours.transform(TEXTS).toarray(), theirs.transform(TEXTS).toarray(), atol=1e-6)
    np.testing.assert_allclose(ours.idf(), theirs.idf_, atol=1e-6)


def test_formula_on_the_shelf():
    from tokrec.datasets import load_shelf

    texts = load_shelf().items["text_zh"].tolist()[:60]
    table = TfidfFeatures().fit(texts)
    lists = [words(text) for text in texts]
    token = lists[7][3]
    weights = {}
    for word in set(lists[7]):
        df = sum(word in found for found in lists)
        weights[word] = (1 + math.log(lists[7].count(word))) * (math.log((1 + 60) / (1 + df)) + 1)
    length = math.sqrt(sum(weight**2 for weight in weights.values()))
    assert table.keywords(texts[7], k=500)[token] == pytest.approx(weights[token] / length, abs=1e-5)


def test_rows_have_unit_length_or_are_empty(features: TfidfFeatures):
    rows = features.transform([*TEXTS, "", "the and of 的", "unknownword 😀"])
    assert issparse(rows) and rows.dtype == np.float32 and rows.shape == (8, len(features.get_feature_names_out()))
    np.testing.assert_allclose(np.linalg.norm(rows.toarray(), axis=1), [1] * 5 + [0] * 3, atol=1e-6)
    assert features.transform([]).shape == (0, rows.shape[1])


def test_one_character_words_count():
    # scikit-learn's default pattern would drop 派; ours keeps it.
    assert "派" in TfidfFeatures().fit(["苹果 派"]).get_feature_names_out()


def test_keywords_by_hand():
    # df: watch 2, smart 2, phone 1, 手表 1, 智能 1 of 2 texts: the rare tokens first, ties in alphabetical order.
    table = TfidfFeatures().fit(["智能手表 smart watch", "smart watch phone"])
    found = table.keywords("智能手表 smart watch")
    assert list(found.index) == ["手表", "智能", "smart", "watch"]
    # Squares: 2 · 1.405465² + 2 · 1² = 5.950664.
    assert found.tolist() == pytest.approx([1.405465 / 5.950664**0.5] * 2 + [1 / 5.950664**0.5] * 2, abs=1e-5)
    assert list(table.keywords("智能手表 smart watch", k=1).index) == ["手表"]


@pytest.mark.parametrize("text", ["", "  ", "的 and", "zzz", "🎉"])
def test_no_known_word_no_keywords(features: TfidfFeatures, text: str):
    found = features.keywords(text)
    assert len(found) == 0 and found.dtype == float


@pytest.mark.parametrize("texts", [[], [""], ["的 了", "the and"], ["😀👍", "!?"]])
def test_fit_needs_a_word(texts: list[str]):
    with pytest.raises(ValueError, match="texts hold no words"):
        TfidfFeatures().fit(texts)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one string", "texts must be a list of values, not one str: wrap it in a list"),
        (["a", None], r"texts\[1\] must be a string, got None: drop missing values"),
        ([float("nan")], r"texts\[0\] must be a string, got nan"),
        ([b"a"], r"texts\[0\] must be a string, not bytes"),
    ],
)
def test_what_is_no_text_is_refused(features: TfidfFeatures, texts, message: str):
    with pytest.raises(TypeError, match=message):
        TfidfFeatures().fit(texts)
    with pytest.raises(TypeError, match=message):
        features.transform(texts)


def test_not_fitted():
    for use in (
        lambda new: new.transform(["a"]),
        lambda new: new.idf(),
        lambda new: new.keywords("a"),
        lambda new: new.get_feature_names_out(),
    ):
        with pytest.raises(NotFittedError):
            use(TfidfFeatures())


def test_parameters_are_kept_by_clone():
    copy = clone(TfidfFeatures(sublinear_tf=False, min_df=3, drop_stop_words=False))
    assert copy.get_params() == {"sublinear_tf": False, "min_df": 3, "drop_stop_words": False}


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "3", None])
def test_check_k(k, features: TfidfFeatures):
    with pytest.raises(ValueError, match="k must be a whole number of at least 1"):
        check_k(k)
    with pytest.raises(ValueError, match="k must be a whole number"):
        features.keywords("apple", k=k)


def test_check_k_takes_numpy_integers():
    assert check_k(np.int64(3)) == 3
