"""Learned matching beside the frozen encoder, on the shelf's judged queries (chapter *matching*).

Each function without arguments makes one stored result: ``python -m tokrec.stored matching_small``, and so on. Everything is learnt on the
development half, a fifth of which only says when to stop; five seeds each draw that fifth and the batches anew. The test half is looked at
once, at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from tokrec.features.encoder import default_encoder
from tokrec.ladders.judged import LANGUAGES, judged, labels, own_queries
from tokrec.recommend import ContentRecommender
from tokrec.recommend.networks import PairScorer, softmax_loss, train
from tokrec.recommend.query_tower import PARTS, CrossScorer, Part, QueryTower, States, states_before_last
from tokrec.similarity import best_first
from tokrec.text import item_texts
from tokrec.tokens import load_tokenizer, pad_batch

SEEDS = range(5)
TEMPERATURE = 0.05  # cosines are divided by it before a softmax
RATES: dict[Part, float] = {"token weights": 1e-1, "projection": 1e-4, "last layer": 2e-5, "low rank": 3e-4}
READ_TOGETHER = 10  # items of the frozen encoder's order that the cross-encoder reads

Outcome = tuple[np.ndarray, list[dict[str, float]]]
Method = Callable[[int], Outcome]


def small() -> dict[str, Any]:
    """What leaves the encoder alone: nothing learnt, article 000's network, a head of two weights, maps of frozen vectors."""
    methods: dict[str, Method] = {
        "frozen encoder": lambda seed: (frozen(), []),
        "TF-IDF": lambda seed: (counted(), []),
        "encoder + TF-IDF": lambda seed: (frozen() + counted(), []),
        "pair scorer": pair_scorer,
        "head": head,
        "two towers": partial(maps, masked=False),
        "two towers, masked": partial(maps, masked=True),
    }
    return outcomes(methods)


def tuned() -> dict[str, Any]:
    """The end of the encoder trained further on judged queries, the items' vectors where they were."""
    return outcomes({part: partial(tuned_on_judged, part=part) for part in PARTS})


def own() -> dict[str, Any]:
    """The same, on queries made of the items' own texts; judged queries only say when to stop."""
    return outcomes({f"{part}, own texts": partial(tuned_on_own, part=part) for part in PARTS})


def cross() -> dict[str, Any]:
    """Query and item read together, for the first items of the frozen encoder."""
    return outcomes({"cross-encoder": cross_encoder})


def outcomes(methods: Mapping[str, Method]) -> dict[str, Any]:
    """Run methods with every seed. Chapter *matching*.

    Returns
    -------
    dict
        For each method: ``en`` and ``zh``, NDCG@10 of each test query (the mean over seeds); ``seeds``, a pair of means a seed, English
        first; ``curves``, one a seed.
    """
    data, result = judged(), {}
    test = data.rows("test")
    for name, method in methods.items():
        runs = [method(seed) for seed in tqdm(SEEDS, desc=name, file=sys.stderr)]
        values = np.stack([data.ndcg(scores, test) for scores, _ in runs]).reshape(len(runs), len(LANGUAGES), -1)
        result[name] = {
            **{language: values[:, place].mean(axis=0).round(5).tolist() for place, language in enumerate(LANGUAGES)},
            "seeds": values.mean(axis=2).round(5).tolist(),
            "curves": [[{key: round(value, 5) for key, value in point.items()} for point in curve] for _, curve in runs],
        }
    return result


def frozen(half: str = "test") -> np.ndarray:
    """Cosines of the frozen encoder, ``(n_texts, n_items)``. Chapter *matching*."""
    data = judged()
    return data.asked[data.rows(half)] @ data.vectors.T


@cache
def all_counted() -> np.ndarray:
    """TF-IDF's cosines of all texts. Chapter *matching*."""
    data = judged()
    return ContentRecommender("tfidf").fit(None, data.items).score_text(data.texts)


def counted(half: str = "test") -> np.ndarray:
    """TF-IDF's cosines of one half. Chapter *matching*."""
    return all_counted()[judged().rows(half)]


def judge_of(scores: Callable[[np.ndarray], np.ndarray], learn: np.ndarray, stop: np.ndarray) -> Callable[[], dict[str, float]]:
    """What is asked during a training: NDCG@10 on the queries that say when to stop, and on those that are learnt. Chapter *matching*."""
    data = judged()
    return lambda: {
        "quality": float(data.ndcg(scores(stop), stop).mean()),
        "learnt": float(data.ndcg(scores(learn), learn).mean()),
    }


def learnt(
    network: nn.Module, scores: Callable[[np.ndarray], np.ndarray], loss: Callable[[np.ndarray], Tensor], seed: int, **options: Any
) -> Outcome:
    """Train on four fifths of the development half, stop by the last fifth, score the test half. Chapter *matching*."""
    data = judged()
    learn, stop = data.parts(seed)
    curve = train(network, lambda: loss(learn), judge_of(scores, learn, stop), **options)
    with torch.no_grad():
        return scores(data.rows("test")), curve


def pair_scorer(seed: int) -> Outcome:
    """Article 000's network, rebuilt, from nothing but graded pairs; a grade of 2 or 3 is relevant. Chapter *matching*."""
    data, rng = judged(), np.random.default_rng(seed)
    torch.manual_seed(seed)
    tokenizer = load_tokenizer()
    network = PairScorer(tokenizer.get_vocab_size())
    asked, items = (
        torch.from_numpy(pad_batch([row.ids[1:-1] for row in tokenizer.encode_batch(texts)], pad_id=0)[0])
        for texts in (data.texts, item_texts(data.items, labels=True))
    )

    def scores(rows: np.ndarray) -> np.ndarray:
        weighted = network.pool(asked[rows]) * network.dense.weight
        return (weighted @ network.pool(items).T).detach().numpy()

    def loss(learn: np.ndarray) -> Tensor:
        relevant = data.grades[learn] >= 2
        pairs = [rng.permutation(np.argwhere(part))[:128] for part in (relevant, data.grades[learn] == 0)]
        rows, places = np.concatenate(pairs).T
        right = torch.from_numpy(relevant[rows, places].astype(np.float32))
        return nn.functional.binary_cross_entropy_with_logits(network(asked[learn[rows]], items[places]), right)

    return learnt(network, scores, loss, seed, steps=200, rate=0.02, every=10)


def head(seed: int) -> Outcome:
    """Two weights, for the frozen encoder's cosine and for TF-IDF's. Chapter *matching*."""
    data = judged()
    both = torch.from_numpy(np.stack([data.asked @ data.vectors.T, all_counted()], axis=-1).astype(np.float32))
    network = nn.Linear(2, 1, bias=False)
    network.weight.data = torch.tensor([[1 / TEMPERATURE, 0.0]])

    def scored(rows: np.ndarray) -> Tensor:
        return network(both[rows]).squeeze(-1)

    def loss(learn: np.ndarray) -> Tensor:
        return softmax_loss(scored(learn), torch.from_numpy(data.grades[learn]))

    return learnt(network, lambda rows: scored(rows).detach().numpy(), loss, seed, steps=100, rate=0.3)


def maps(seed: int, masked: bool) -> Outcome:
    """A linear map for queries and one for items, from the frozen vectors; negatives are the other queries' items. Chapter *matching*."""
    data, rng = judged(), np.random.default_rng(seed)
    asked, items = torch.from_numpy(data.asked), torch.from_numpy(data.vectors)
    network = nn.ModuleDict({name: nn.Linear(items.shape[1], items.shape[1], bias=False) for name in ("query", "item")})
    for tower in network.values():
        nn.init.eye_(tower.get_parameter("weight"))

    def compared(queries: Tensor, some: Tensor) -> Tensor:
        sides = zip(("query", "item"), (queries, some), strict=True)
        unit = [nn.functional.normalize(network[name](vectors), dim=1) for name, vectors in sides]
        return unit[0] @ unit[1].T

    def loss(learn: np.ndarray) -> Tensor:
        grades = data.grades[learn]
        drawn = np.array([rng.choice(len(row), p=row / row.sum()) for row in grades.astype(float)])
        batch, own = np.unique(drawn, return_inverse=True)
        wanted = np.eye(len(batch), dtype=np.float32)[own]
        also = torch.from_numpy((grades[:, batch] > 0) & (wanted == 0)) if masked else None
        return softmax_loss(compared(asked[learn], items[batch]) / TEMPERATURE, torch.from_numpy(wanted), ignored=also)

    return learnt(network, lambda rows: compared(asked[rows], items).detach().numpy(), loss, seed, steps=40, rate=1e-4)


@cache
def asked_states() -> States:
    """All judged queries before the encoder's last layer. Chapter *matching*."""
    return states_before_last(default_encoder(), judged().texts)


def query_tower(part: Part) -> tuple[QueryTower, Callable[[States], Tensor], Callable[[np.ndarray], np.ndarray]]:
    """A tower as the encoder left it; scores of texts on their way with all items; scores of judged queries. Chapter *matching*."""
    tower, items = QueryTower(default_encoder(), part), torch.from_numpy(judged().vectors)

    def compared(texts: States) -> Tensor:
        return tower(texts) @ items.T

    return tower, compared, lambda rows: compared(asked_states()[torch.from_numpy(rows)]).detach().numpy()


def tuned_on_judged(seed: int, part: Part) -> Outcome:
    """One part of the encoder's end, trained on graded queries against all items. Chapter *matching*."""
    torch.manual_seed(seed)
    tower, compared, scores = query_tower(part)

    def loss(learn: np.ndarray) -> Tensor:
        found = compared(asked_states()[torch.from_numpy(learn)]) / TEMPERATURE
        return softmax_loss(found, torch.from_numpy(judged().grades[learn]))

    return learnt(tower, scores, loss, seed, steps=30, rate=RATES[part])


@cache
def own_states() -> tuple[States, np.ndarray]:
    """Queries made of the items' own texts before the last layer, and whose they are. Chapter *matching*."""
    texts, places = own_queries(judged().items)
    return states_before_last(default_encoder(), texts, longest=32), places


def tuned_on_own(seed: int, part: Part) -> Outcome:
    """One part of the encoder's end, trained to find the item that a text was taken from. Chapter *matching*."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tower, compared, scores = query_tower(part)
    states, places = own_states()
    one_hot = torch.eye(len(judged().items))

    def loss(learn: np.ndarray) -> Tensor:
        rows = rng.choice(len(places), 64, replace=False)
        return softmax_loss(compared(states[torch.from_numpy(rows)]) / TEMPERATURE, one_hot[places[rows]])

    return learnt(tower, scores, loss, seed, steps=100, rate=RATES[part], every=10)


@cache
def pair_states() -> tuple[States, np.ndarray]:
    """Each judged query with each of its first items, before the last layer; and the places of these items. Chapter *matching*."""
    data = judged()
    first = best_first(data.asked @ data.vectors.T, READ_TOGETHER)
    described = [text for language in LANGUAGES for text in titled(language)]
    language = np.repeat(np.arange(len(LANGUAGES)), len(data.queries))[:, None] * len(data.items)
    others = [described[place] for place in (first + language).ravel()]
    asked = [text for text in data.texts for _ in range(READ_TOGETHER)]
    return states_before_last(default_encoder(), asked, others), first


def titled(language: str) -> list[str]:
    """Title and labels of each item. Chapter *matching*."""
    items = judged().items
    return [f"{title} {label}" for title, label in zip(items[f"title_{language}"], labels(items, language), strict=True)]


def cross_encoder(seed: int) -> Outcome:
    """The last layer reads query and item together and moves the first items of the frozen order. Chapter *matching*."""
    data, rng = judged(), np.random.default_rng(seed)
    torch.manual_seed(seed)
    scorer, (states, first) = CrossScorer(default_encoder()), pair_states()
    cosines = torch.from_numpy(data.asked @ data.vectors.T) / TEMPERATURE
    grades = torch.from_numpy(np.take_along_axis(data.grades, first, axis=1))

    def scored(rows: np.ndarray) -> Tensor:
        pairs = torch.from_numpy((rows[:, None] * READ_TOGETHER + np.arange(READ_TOGETHER)).ravel())
        added = scorer(states[pairs]).reshape(len(rows), READ_TOGETHER)
        return torch.gather(cosines[rows], 1, torch.from_numpy(first[rows])) + added

    def scores(rows: np.ndarray) -> np.ndarray:
        moved = cosines[rows].numpy() - 1000  # the others stay behind, in their order
        np.put_along_axis(moved, first[rows], scored(rows).detach().numpy(), axis=1)
        return moved

    def loss(learn: np.ndarray) -> Tensor:
        some = learn[(grades[learn] > 0).any(dim=1).numpy()]
        batch = rng.choice(some, 8, replace=False)
        return softmax_loss(scored(batch), grades[batch])

    return learnt(scorer, scores, loss, seed, steps=20, rate=5e-5)
