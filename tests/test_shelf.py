"""The shelf keeps its promises: sizes, lengths, languages, facts, queries, reviews, readers, nothing written twice."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tokrec.datasets import load_shelf, load_tastes, simulate_readers
from tokrec.datasets.readers import topic_matrix
from tokrec.datasets.shelf import DOMAINS, Shelf, shelf_folder
from tokrec.evaluate import judge_queries
from tokrec.text import guess_language

TABLES = ("items", "facts", "entities", "queries", "relevance", "reviews", "interactions")
RELATIONS = {
    "created_by", "published_in", "has_genre", "has_topic", "features", "suits", "similar_to", "goes_with", "needs", "set_in", "located_in",
    "originates_from", "language", "made_by", "performed_by", "part_of_series", "adapted_from", "about", "award",
}  # fmt: skip
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return load_shelf()


def grams(text: str, language: str) -> set[str]:
    """5-grams of characters (Chinese) or 3-grams of words (English)."""
    if language == "zh":
        return {text[start : start + 5] for start in range(len(text) - 4)}
    found = re.findall(r"\w+", text.lower())
    return {" ".join(found[start : start + 3]) for start in range(len(found) - 2)}


def overlap(texts: list[str], language: str) -> np.ndarray:
    """Share of the shorter text's n-grams that the other text has too, for all pairs; 0 on the diagonal."""
    sets = [grams(text, language) for text in texts]
    columns = {gram: number for number, gram in enumerate(sorted(set().union(*sets)))}
    rows = np.repeat(np.arange(len(sets)), [len(found) for found in sets])
    places = [columns[gram] for found in sets for gram in found]
    marks = csr_matrix((np.ones(len(rows), np.int32), (rows, places)), shape=(len(sets), len(columns)))
    sizes = np.asarray(marks.sum(axis=1)).ravel()
    shares = (marks @ marks.T).toarray() / np.minimum.outer(sizes, sizes)
    np.fill_diagonal(shares, 0)
    return shares


def test_overlap_by_hand():
    # "abcdef" has the 5-grams abcde, bcdef; "xbcdef" has xbcde, bcdef: one of two is shared.
    assert overlap(["abcdef", "xbcdef", "zzzzz"], "zh").tolist() == [[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]
    # "the cat sat on" has "the cat sat", "cat sat on"; "The cat sat." has only the first.
    assert overlap(["the cat sat on", "The cat sat."], "en").max() == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_two_descriptions_are_near_duplicates(shelf: Shelf, language: str):
    shares = overlap(shelf.items[f"text_{language}"].tolist(), language)
    first, second = np.unravel_index(shares.argmax(), shares.shape)
    assert shares.max() < 0.5, f"{shelf.items.index[first]} and {shelf.items.index[second]} share {shares.max():.0%}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_boilerplate(shelf: Shelf, language: str):
    counts = Counter(gram for text in shelf.items[f"text_{language}"] for gram in grams(text, language))
    gram, count = counts.most_common(1)[0]
    assert count <= 0.05 * len(shelf.items), f"{count} descriptions hold {gram!r}"


def test_items(shelf: Shelf):
    items = shelf.items
    assert len(items) >= 600 and set(items["domain"]) == set(DOMAINS) and len(DOMAINS) >= 6
    assert items["domain"].isin(["books", "films"]).sum() >= 250
    assert items.index.is_unique and items["title_en"].is_unique and items["title_zh"].is_unique
    assert items["text_en"].is_unique and items["text_zh"].is_unique
    assert items.notna().all(axis=None) and items["kind"].value_counts()["watch"] >= 20
    for name in ("domain", "kind", "title_en", "title_zh", "text_en", "text_zh", "creator", "creator_zh", "genre", "genre_zh"):
        assert all(isinstance(text, str) and text and text == text.strip() for text in items[name]), name
    assert items["year"].between(-3000, 2026).all() and pd.api.types.is_integer_dtype(items["year"])
    for name in ("tags", "tags_zh"):
        assert items[name].map(len).between(3, 6).all() and all(len(set(tags)) == len(tags) for tags in items[name])
    assert (items["tags"].map(len) == items["tags_zh"].map(len)).all()


def test_news_are_dated_and_nothing_else_is(shelf: Shelf):
    news = shelf.items["domain"] == "news"
    dates = pd.to_datetime(shelf.items["date"][news], format="%Y-%m-%d")
    assert news.sum() >= 64 and (shelf.items["date"][~news] == "").all() and set(shelf.items["kind"][news]) == {"report", "post"}
    assert (dates.dt.year == shelf.items["year"][news]).all() and dates.between("2026-01-01", "2026-10-31").all()
    assert dates.duplicated().sum() >= 3  # several on one day
    assert set(shelf.items["tags"][news].explode()) <= set(shelf.items["tags"][~news].explode())  # topics of other domains too


def test_lengths_and_languages(shelf: Shelf):
    items = shelf.items
    assert items["text_en"].str.split().map(len).between(25, 60).all()
    assert items["text_zh"].map(lambda text: len(re.sub(r"\s", "", text))).between(40, 110).all()
    for language in ("en", "zh"):
        assert (items[f"text_{language}"].map(guess_language) == language).all()
    assert not items["text_en"].str.contains(HAN).any()


def test_files_are_plain_and_tidy():
    for path in sorted(shelf_folder().rglob("*")):
        if path.suffix in (".jsonl", ".tsv", ".csv"):
            content = path.read_bytes()
            assert content.endswith(b"\n") and b"\r" not in content and not content.startswith(b"\xef\xbb\xbf"), path.name
            content.decode("utf-8")


def test_facts(shelf: Shelf):
    facts, items, entities = shelf.facts, shelf.items.index, shelf.entities.index
    assert len(facts) >= 3000 and not facts.duplicated().any()
    assert set(facts["relation"]) == RELATIONS
    assert facts["head"].isin(items).all() and facts["tail"].isin(items.union(entities)).all()
    assert set(items) == set(facts["head"]) and not (facts["head"] == facts["tail"]).any()
    for relation in ("created_by", "published_in", "has_genre"):
        assert set(facts["head"][facts["relation"] == relation]) == set(items)
    told = facts[facts["relation"] == "published_in"].set_index("head")["tail"]
    assert (told == "year:" + shelf.items["year"].astype(str).reindex(told.index)).all()


def test_entities(shelf: Shelf):
    entities = shelf.entities
    assert entities.index.is_unique and not set(entities.index) & set(shelf.items.index)
    assert set(entities.index) <= set(shelf.facts["tail"])
    assert (entities["name_en"].str.strip() != "").all() and (entities["name_zh"].str.strip() != "").all()
    assert (entities.index.str.split(":").str[0] == entities["type"]).all()
    assert not entities["name_en"].str.contains(HAN).any()
    foreign = entities[~entities["name_zh"].str.contains(HAN) & (entities["type"] != "year")]
    assert set(foreign["type"]) <= {"thing", "topic"} and len(foreign) < 30  # Python, SQL: names that Chinese readers write so too


def test_every_item_is_connected_with_all_others(shelf: Shelf):
    from scipy.sparse.csgraph import connected_components

    facts = shelf.facts[shelf.facts["relation"] != "published_in"]
    numbers = pd.Index(pd.concat([facts["head"], facts["tail"]]).unique())
    ends = numbers.get_indexer(pd.Index(facts["head"])), numbers.get_indexer(pd.Index(facts["tail"]))
    _, parts = connected_components(csr_matrix((np.ones(len(facts)), ends), shape=(len(numbers),) * 2), directed=False)
    assert len(set(parts[numbers.isin(shelf.items.index)])) == 1


def test_queries(shelf: Shelf):
    queries, relevance = shelf.queries, shelf.relevance
    assert len(queries) >= 80 and queries.index.is_unique and queries["text_en"].is_unique and queries["text_zh"].is_unique
    assert set(queries["kind"]) == {"article", "keyword", "need", "mood", "cross", "negative"}
    assert queries["kind"].value_counts().drop("article").min() >= 8
    assert set(queries["half"]) == {"dev", "test"}
    for kind, group in queries.groupby("kind"):
        assert abs((group["half"] == "dev").sum() - (group["half"] == "test").sum()) <= 1, kind
    for language in ("en", "zh"):
        assert (queries[f"text_{language}"].map(guess_language) == language).all()
    assert set(relevance["query_id"]) == set(queries.index) and relevance["item_id"].isin(shelf.items.index).all()
    assert set(relevance["relevance"]) == {1, 2, 3} and not relevance.duplicated(["query_id", "item_id"]).any()
    counts = relevance.groupby("query_id").size()
    assert counts.median() >= 8 and counts.min() >= 3
    domains = (
        relevance.assign(domain=shelf.items["domain"].reindex(relevance["item_id"]).to_numpy()).groupby("query_id")["domain"].nunique()
    )
    narrow = queries.index[domains.reindex(queries.index) < 2]
    assert (queries.loc[narrow, "single_domain"] != "").all(), "every query has answers in two domains or says why not"


def test_what_negative_queries_rule_out(shelf: Shelf):
    forbidden, queries, items = shelf.forbidden, shelf.queries, shelf.items
    assert set(queries.loc[forbidden["query_id"].unique(), "kind"]) == {"negative"} and not forbidden.duplicated().any()
    for column, values in forbidden.groupby("column")["value"]:
        assert set(values) <= set(items[column].explode()), f"forbidden.tsv: no item has such a {column}"
    assert set(shelf.wanted.index) == set(forbidden["query_id"])
    for language in ("text_en", "text_zh"):  # made by leaving out, so each is a shorter wish of the same letters
        for short, whole in zip(shelf.wanted[language], queries.loc[shelf.wanted.index, language], strict=True):
            assert len(short) < len(whole) and set(short) <= set(whole) and short[:2] == whole[:2]
    ruled_out = shelf.ruled_out()
    assert len(ruled_out) >= 12 and ruled_out.any(axis=1).all()
    assert ruled_out.loc["q-b-26"].tolist() == (items["kind"] == "book").tolist()  # anything but a book
    assert ruled_out.loc["q-c-03", "book-code-petzold"] and not ruled_out.loc["q-c-03", "food-java-coffee"]
    judged = shelf.relevance[shelf.relevance["query_id"].isin(ruled_out.index)]
    assert not any(ruled_out.loc[query, item] for query, item in judged[["query_id", "item_id"]].itertuples(index=False))


def test_second_judgement(shelf: Shelf):
    second = shelf.second_judgement
    assert second["query_id"].isin(shelf.queries.index).all() and second["item_id"].isin(shelf.items.index).all()
    assert set(second["grade"]) == {0, 1, 2, 3} and not second.duplicated(["query_id", "item_id"]).any()
    assert set(second["query_id"]) == set(shelf.queries.index) and set(second["again"].dropna()) <= {0, 1, 2, 3}


def test_the_articles_queries_are_there_word_for_word(shelf: Shelf):
    wanted = [
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
    found = shelf.queries[shelf.queries["kind"] == "article"]
    assert len(found) == 9 and all(text in {*found["text_zh"], *found["text_en"]} for text in wanted)


def test_reviews(shelf: Shelf):
    reviews = shelf.reviews
    assert len(reviews) >= 400 and reviews["item_id"].nunique() >= 150 and reviews["item_id"].isin(shelf.items.index).all()
    assert reviews.index.is_unique and reviews["text"].is_unique and set(reviews["stars"]) == {1, 2, 3, 4, 5}
    assert (reviews["text"].map(guess_language) == reviews["language"]).all()
    assert reviews["language"].value_counts(normalize=True).min() > 0.4
    for flag in ("mixed", "ironic", "mismatch"):
        assert reviews[flag].dtype == bool and reviews[flag].sum() >= 20
    counts = reviews["stars"].value_counts()
    assert counts.idxmax() == 5 and counts[1] > counts[2] < counts[3]  # real sites' shape: many fives, more ones than twos
    assert overlap(reviews["text"][reviews["language"] == "zh"].tolist(), "zh").max() < 0.5
    assert overlap(reviews["text"][reviews["language"] == "en"].tolist(), "en").max() < 0.5


def test_readers(shelf: Shelf):
    table = shelf.interactions
    counts = table["user_id"].value_counts()
    assert len(counts) >= 2000 and (counts == 1).sum() >= 20 and counts.max() >= 100
    news, taken = shelf.items["domain"] == "news", shelf.items.index.isin(table["item_id"])
    assert table["item_id"].isin(shelf.items.index).all() and 5 <= (~taken & ~news).sum() <= 60 and (taken & news).sum() >= 50
    assert set(table["rating"]) == set(np.arange(0.5, 5.01, 0.5)) and not table.duplicated(["user_id", "item_id"]).any()
    assert table["timestamp"].is_monotonic_increasing
    assert 600 < (table["timestamp"].max() - table["timestamp"].min()) / 86_400 <= 731
    late = table["timestamp"] >= table["timestamp"].min() + 0.8 * (table["timestamp"].max() - table["timestamp"].min())
    before, after = set(table["user_id"][~late]), set(table["user_id"][late])
    assert late.mean() > 0.2 and len(after) > 700 and len(before & after) > 400  # enough for a cut at one moment
    tastes = load_tastes()
    assert set(table["user_id"]) == set(tastes["user_id"])
    assert tastes.groupby("user_id")[["weight_start", "weight_end"]].sum().to_numpy() == pytest.approx(1, abs=1e-3)
    assert set(tastes["topic"]) <= set(shelf.items["tags"].explode())


def test_news_are_read_fresh(shelf: Shelf):
    dates = pd.to_datetime(shelf.items["date"].replace("", None)).dropna()
    table = shelf.interactions[shelf.interactions["item_id"].isin(dates.index)]
    age = pd.to_datetime(table["timestamp"], unit="s").dt.normalize() - dates.reindex(table["item_id"]).to_numpy()
    assert len(table) > 5 * len(dates) and age.dt.days.min() == 0 and (age.dt.days <= 10).mean() > 0.8


def test_readers_choose_by_their_tastes(shelf: Shelf):
    tastes = load_tastes().assign(weight=lambda table: table["weight_start"] + table["weight_end"])
    topics, weights = topic_matrix(shelf.items)
    wanted = tastes.pivot(index="user_id", columns="topic", values="weight").reindex(columns=topics).fillna(0)
    fits = pd.DataFrame(wanted.to_numpy() @ weights.T > 0, index=wanted.index, columns=shelf.items.index)
    pairs = shelf.interactions[["user_id", "item_id"]].itertuples(index=False)
    chosen = np.mean([fits.loc[user, item] for user, item in pairs])
    assert chosen > 3 * fits.to_numpy().mean()  # else no method could find a taste in the traces


def test_readers_are_what_the_simulator_gives(shelf: Shelf):
    simulation = simulate_readers(shelf.items)
    for name in ("interactions", "tastes"):
        stored = (shelf_folder() / f"{name}.csv").read_text(encoding="utf-8")
        assert getattr(simulation, name).to_csv(index=False, lineterminator="\n") == stored, f"{name}.csv: run python -m tokrec.datasets"


def test_stored_vectors_equal_fresh_ones(shelf: Shelf):
    from tokrec.features.cache import shipped_vectors
    from tokrec.features.encoder import bundled_version, default_encoder
    from tokrec.text import item_texts

    for language in ("en", "zh"):
        texts = item_texts(shelf.items, language, labels=True)
        stored = shipped_vectors(texts, bundled_version())
        assert stored is not None, "vectors.npz is not of these texts and weights: run python -m tokrec.datasets"
        np.testing.assert_allclose(stored[::5], default_encoder().encode(texts[::5]), atol=2e-3)


def test_hard_enough_but_not_hopeless(shelf: Shelf):
    from tokrec.features.cache import shipped_vectors
    from tokrec.features.encoder import bundled_version, default_encoder
    from tokrec.recommend import ContentRecommender
    from tokrec.text import item_texts

    half = shelf.queries[shelf.queries["half"] == "test"]
    judge = lambda scores: judge_queries(scores, half.index, shelf.items.index, shelf.relevance).mean()  # noqa: E731
    chance = np.mean([judge(np.random.default_rng(seed).random((len(half), len(shelf.items)))) for seed in range(5)])
    assert chance < 0.1
    words, meaning = (ContentRecommender(features).fit(None, shelf.items) for features in ("tfidf", "encoder"))
    for language in ("en", "zh"):
        texts = half[f"text_{language}"].tolist()
        for method in (words, meaning):
            assert 3 * chance < judge(method._score_text(texts)) < 0.85
    english = shipped_vectors(item_texts(shelf.items, "en", labels=True), bundled_version())
    assert english is not None
    across = default_encoder().encode(half["text_zh"].tolist()) @ english.T  # Chinese queries, English texts
    assert judge(across) > 5 * chance
