"""The spine: rows by hand, the evaluation of new items by brute force, the figure, the stored table."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import ndcg_score

from tokrec import plot
from tokrec import spine as module
from tokrec.recommend import ContentRecommender, PopularityRecommender
from tokrec.recommend.base import Recommender
from tokrec.spine import Situation, cold_ndcg, cold_profiles, columns_of, summed, winner
from tokrec.stored import from_json, read


def row(encoder: list[float], tfidf: list[float], **more: str) -> dict:
    values = {"encoder": np.array(encoder), "tfidf": np.array(tfidf)}
    return summed(Situation("queries", "somebody asks", "prose alone", "NDCG@10, queries", values, **more))


def test_a_row_by_hand():
    found = row([0.5, 0.5, np.nan, 1.0], [0.25, 0.25, np.nan, 0.75], note="by hand")
    assert found["n"] == 3 and found["encoder"] == pytest.approx(2 / 3) and found["tfidf"] == pytest.approx(1.25 / 3)
    assert found["difference"] == found["low"] == found["high"] == 0.25 and found["best"] == "encoder"
    assert np.isnan(found["hybrid"]) and found["note"] == "by hand" and found["situation"] == "somebody asks"
    assert row([0.0, 0.0], [0.1, 0.1])["best"] == "tfidf" and row([0.0, 1.0] * 9, [1.0, 0.0] * 9)["best"] == "undecided"


def test_the_winner_is_named_by_the_interval_alone():
    assert [winner(0.01, 0.2), winner(-0.2, -0.01), winner(-0.1, 0.3), winner(0.0, 0.3)] == ["encoder", "tfidf", "undecided", "undecided"]


def test_columns():
    assert columns_of(("zh",), False) == ["title_zh", "text_zh"]
    assert columns_of(("en", "zh"), True) == ["title_en", "text_en", "title_zh", "text_zh", "genre", "tags", "genre_zh", "tags_zh"]


class ByPosition(Recommender):
    """Likes later items better, and those most of all that stand beside what the history ends with."""

    def _fit(self) -> None:
        pass

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        n = history.shape[1]
        last = np.array([row.indices.max() if row.nnz else -n for row in csr_matrix(history)])
        return -np.abs(np.arange(n)[None, :] - last[:, None] - 1.2)


@pytest.fixture(scope="module")
def few() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    rows = [
        (f"u{u}", f"i{i:02}", float(rng.integers(1, 6)), int(rng.integers(1, 1000))) for u in range(12) for i in rng.choice(20, 8, False)
    ]
    items = pd.DataFrame({"title": [f"item {i}" for i in range(20)]}, index=[f"i{i:02}" for i in range(20)])
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]), items


@pytest.mark.parametrize("earlier", [True, False])
def test_new_items_by_brute_force(few: tuple[pd.DataFrame, pd.DataFrame], earlier: bool):
    interactions, items = few
    recommender = ByPosition().fit(interactions, items)
    fold_of = dict(zip(items.index, np.random.default_rng(0).permutation(np.arange(20) % 5), strict=True))
    wanted = {}
    for user, own in interactions.groupby("user_id"):
        found = []
        for liked in own[own["rating"] >= 4].itertuples():
            others = own[own["item_id"].map(fold_of) != fold_of[liked.item_id]]
            before = others[others["timestamp"] < liked.timestamp]
            if before.empty:
                continue
            history = np.zeros((1, 20))
            history[0, items.index.get_indexer((before if earlier else others)["item_id"])] = 1
            scores = dict(zip(items.index, recommender.score_history(csr_matrix(history))[0], strict=True))
            more = set(own["item_id"][own["rating"] >= 4]) - {liked.item_id}
            ranked = [name for name in items.index if fold_of[name] == fold_of[liked.item_id] and name not in more]
            gains = [float(name == liked.item_id) for name in ranked]
            found.append(ndcg_score([gains], [[scores[name] for name in ranked]], k=10) if len(ranked) > 1 else 1.0)
        wanted[user] = np.mean(found) if found else np.nan
    assert cold_ndcg(recommender, interactions, earlier) == pytest.approx([wanted[user] for user in recommender.users_], nan_ok=True)
    assert not np.isnan(list(wanted.values())).all()


def test_equal_scores_share_the_middle_rank(few: tuple[pd.DataFrame, pd.DataFrame]):
    interactions, items = few
    unknown = PopularityRecommender().fit(None, items)  # scores everything 0
    unknown.users_ = ByPosition().fit(interactions, items).users_
    likes = interactions[interactions["rating"] >= 4].groupby("user_id")["item_id"].agg(set)
    found = cold_ndcg(unknown, interactions)
    assert likes.str.len().min() >= 1 and np.nanmax(found) <= 1
    assert np.nanmin(found) >= 1 / np.log2(4 / 2 + 2) - 1e-9  # of four items the middle rank is 2.5 at most


def test_new_films_by_hand():
    items = pd.DataFrame({"title": list("abcdefghij")})
    likes = pd.DataFrame({"user_id": "u", "item_id": range(10), "rating": 5.0, "timestamp": range(10)})
    assert cold_profiles(ByPosition().fit(likes, items)) == pytest.approx([1.0])  # all hidden ones are liked, whatever the order


@pytest.fixture
def axes() -> Iterator[list]:
    import matplotlib.pyplot as plt

    with plt.rc_context():
        plot.use_style()
        table = pd.DataFrame(
            [
                row([0.4, 0.6], [0.1, 0.3], note="words are blind here"),
                row([0.1, 0.1], [0.2, 0.2]),
                row([0.0, 1.0], [1.0, 0.0]) | {"group": "readers", "measure": "NDCG@10, readers", "hybrid": 0.75},
            ]
        )
        yield plot.spine(table)
        plt.close("all")


def test_figure_shows_every_row_and_who_is_ahead(axes: list):
    assert [panel.get_title() for panel in axes] == ["NDCG@10, queries", "NDCG@10, readers"]
    labels = [label.get_text() for label in axes[0].get_yticklabels()]
    assert labels == ["somebody asks, prose alone", "somebody asks, prose alone *"]  # the first row stands at the top
    (legend,) = axes[0].figure.legends
    assert {"encoder ahead", "TF-IDF ahead", "undecided"} <= {text.get_text() for text in legend.get_texts()}
    dots = {line.get_marker(): line.get_xdata() for line in axes[0].lines if line.get_marker() in "os"}
    assert dots["o"] == pytest.approx([0.3]) and dots["s"] == pytest.approx([-0.1])
    assert "0.50 / 0.20" in [text.get_text() for text in axes[0].texts]
    assert "* words are blind here" in axes[0].figure.get_supxlabel()
    (sums,) = [line.get_xdata() for line in axes[1].lines if line.get_label() == "sum of both − TF-IDF"]
    assert sums == pytest.approx([0.25])


def test_stored_table_is_whole():
    table = from_json(read("spine")["value"])
    assert len(table) >= 14 and not table.duplicated(["situation", "text"]).any()
    assert (table["low"] <= table["difference"]).all() and (table["difference"] <= table["high"]).all()
    np.testing.assert_allclose(table["encoder"] - table["tfidf"], table["difference"], atol=2e-4)
    assert [winner(low, high) for low, high in table[["low", "high"]].to_numpy()] == table["best"].tolist()
    assert table.loc[table["text"] == "prose alone", "n"].min() >= 45


def test_rows_agree_with_the_encoders_own_checks():
    """Another code made these: vectors and products by hand instead of recommenders."""
    table = from_json(read("spine")["value"]).set_index(["situation", "text"])
    checks = from_json(read("encoder_checks")["value"]).set_index(["check", "system"])["mean"]
    spoken = {"en": "English", "zh": "Chinese"}
    same = {f"shelf, {a} query, {b} items": (f"{spoken[a]} query, {spoken[b]} items", "prose alone") for a in spoken for b in spoken}
    same["MovieLens, cold films"] = ("new films, kernel ridge", "title, year, genres")
    for check, row in same.items():
        assert table.loc[row, "tfidf"] == pytest.approx(checks[check, "tfidf"], abs=2e-4), check
        assert table.loc[row, "encoder"] == pytest.approx(checks[check, "student"], abs=2e-4), check


def test_one_row_computed_anew(monkeypatch: pytest.MonkeyPatch):
    """Word counts need no encoder: TF-IDF's column of one situation, from the data."""
    monkeypatch.setattr(module, "methods", lambda: {name: ContentRecommender("tfidf") for name in ("encoder", "tfidf")})
    found = summed(next(module.queries()))
    kept = from_json(read("spine")["value"]).iloc[0]
    assert found["difference"] == 0 and found["tfidf"] == pytest.approx(kept["tfidf"], abs=1e-4)


def test_drawing_is_of_the_stored_table(tmp_path: Path):
    module.main([str(tmp_path / "spine.svg")])
    fresh = (tmp_path / "spine.svg").read_text(encoding="utf-8")
    drawn = (Path(__file__).parents[1] / "book" / "images" / "spine.svg").read_text(encoding="utf-8")
    texts = [[line.strip() for line in svg.splitlines() if "<text" in line] for svg in (fresh, drawn)]
    assert len(texts[0]) > 30
    said = [sorted(part.rsplit("<", 1)[0].rsplit(">", 1)[-1] for part in found) for found in texts]
    assert said[0] == said[1], "run python -m tokrec.spine book/images/spine.svg"
