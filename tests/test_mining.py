"""``mine`` and the words that a text shares with an item."""

import numpy as np
import pandas as pd
import pytest

import tokrec
from tokrec.mining import Mined, calibrate_on_shelf, describe, mine, shared_keywords, shelf_recommender, shelf_threshold, titles
from tokrec.recommend import HybridRecommender
from tokrec.stored import stored


@pytest.fixture(scope="module")
def watch() -> Mined:
    return mine("<p>想要购买一款智能手表</p>", k=5)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> HybridRecommender:
    items = pd.DataFrame(
        {"title": ["Smart watch", "Red watch", "红苹果"], "text": ["heart rate watch", "", "新鲜 apple"]}, index=["w", "r", "a"]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return HybridRecommender().fit(None, items)


def test_what_is_found_in_a_query(watch: Mined):
    assert watch.text == "想要购买一款智能手表" and watch.language == "zh"
    assert watch.tokens == ["想要", "购买", "一款", "智能", "手表"]
    assert set(watch.keywords.index) <= {"购买", "智能", "手表"} and {"智能", "手表"} <= set(watch.keywords.index)
    assert watch.keywords.is_monotonic_decreasing and watch.keywords.between(0, 1).all()
    table = watch.similar
    assert table.columns.tolist() == ["item_id", "rank", "score", "title", "domain", "shared", "probability"]
    assert len(table) == 5 and table["score"].is_monotonic_decreasing and table["probability"].between(0, 1).all()
    items = tokrec.load_shelf().items
    assert (items.loc[table["item_id"], "title_zh"].to_numpy() == table["title"]).all()
    assert items.loc[table["item_id"][0], "kind"] == "watch"
    assert str(watch).startswith("'想要购买一款智能手表': best is ") and table["title"][0] in str(watch)


def test_verdict_follows_the_threshold(watch: Mined):
    assert watch.threshold == shelf_threshold()
    assert watch.relevant == (watch.similar["score"][0] >= watch.threshold.value)
    assert watch.relevant and not mine("qwrtz zzxxyy").relevant
    # The probability is the logistic curve of the score, worked out by hand.
    score = watch.similar["score"][1]
    assert watch.similar["probability"][1] == pytest.approx(1 / (1 + np.exp(-(watch.threshold.slope * score + watch.threshold.intercept))))


def test_threshold_tells_related_pairs_from_others():
    threshold = shelf_threshold()
    assert threshold.auc > 0.7 and threshold.slope > 0
    assert 0 < threshold.precision <= 1 and 0 < threshold.recall <= 1
    assert threshold.f1 == pytest.approx(2 * threshold.precision * threshold.recall / (threshold.precision + threshold.recall))


def test_threshold_is_from_the_development_half_alone():
    # The same pairs collected with pandas: 50 best items of each development query in both languages.
    shelf, recommender = tokrec.load_shelf(), shelf_recommender()
    relevance = shelf.relevance.set_index(["query_id", "item_id"])["relevance"]
    queries = shelf.queries[shelf.queries["half"] == "dev"]
    found = [
        pd.DataFrame(recommender.score_text(queries[text].tolist()), queries.index, shelf.items.index) for text in ("text_en", "text_zh")
    ]
    best = [row.nlargest(50).rename(query) for table in found for query, row in table.iterrows()]
    labels = [relevance.get((row.name, item), 0) >= 2 for row in best for item in row.index]
    assert tokrec.similarity.calibrate_threshold(pd.concat(best), labels).value == pytest.approx(shelf_threshold().value, abs=1e-4)


def test_shared_keywords_by_hand(small: HybridRecommender):
    # "watch" stands in both watches (small idf), "smart" and "apple" in one item each (larger idf).
    assert shared_keywords(small, "a smart watch or an apple", ["w", "r", "a"]) == ["smart, watch", "watch", "apple"]
    assert shared_keywords(small, "watch smart", ["w"], k=1) == ["smart"]
    assert shared_keywords(small, "none of them", ["w", "a"]) == ["", ""]
    assert shared_keywords(small, "watch", []) == []


def test_describe_works_without_domains(small: HybridRecommender):
    table = describe(small.recommend(text="watch", k=2), small, "watch")
    assert table["domain"].tolist() == ["", ""] and set(table["title"]) == {"Smart watch", "Red watch"}


@pytest.mark.parametrize(("text", "column"), [("smart watch", "title_en"), ("智能手表", "title_zh"), ("😀", "title_en")])
def test_titles_are_in_the_language_of_the_query(text: str, column: str):
    found = mine(text, k=3).similar
    assert found["title"].tolist() == tokrec.load_shelf().items.loc[found["item_id"], column].tolist()


def test_more_items_than_there_are():
    assert len(mine("watch", k=10_000).similar) == len(tokrec.load_shelf().items)


@pytest.mark.parametrize("text", ["😀👍🎉", "the of and 的 了", "C++", "<script>x</script>ok", "אבג 我 abc", "\ud800 watch", "!?"])
def test_strange_texts_get_an_answer(text: str):
    found = mine(text)
    assert len(found.similar) == 5 and np.isfinite(found.similar["score"]).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("",), ValueError, "the query is blank"),
        ((" \t",), ValueError, "the query is blank"),
        (("<script>x</script>",), ValueError, "the query is blank"),
        ((None,), TypeError, "got None"),
        ((float("nan"),), TypeError, "got nan"),
        ((b"watch",), TypeError, "not bytes"),
        (("watch", 0), ValueError, "k must be a whole number of at least 1, got 0"),
        (("watch", -1), ValueError, "k must be a whole number"),
    ],
)
def test_bad_arguments(arguments: tuple, error: type, message: str):
    with pytest.raises(error, match=message):
        mine(*arguments)


def test_a_megabyte_is_mined():
    assert len(mine("智能手表 smart watch. " * 33_000, k=3).similar) == 3


def test_stored_threshold_is_the_calibrated_one():
    stored("shelf_threshold", calibrate_on_shelf, tolerance=1e-4)


def test_titles_fall_back_to_another_language():
    items = pd.DataFrame({"title": ["a\nb", "", None], "title_zh": ["甲", "", "乙"], "title_en": [np.nan, "C", ""]})
    assert titles(items, "zh") == ["甲", "C", "乙"] and titles(items, "en") == ["a b", "C", "乙"]
    assert titles(pd.DataFrame({"title": [None]}), "en") == [""]
