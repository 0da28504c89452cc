"""Recommending by writing: histories of codes in, the next item's codes out (chapter *item_tokens*)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from tokrec.checks import check_k, check_number, check_texts
from tokrec.recommend.base import Recommender
from tokrec.recommend.content import ContentRecommender
from tokrec.recommend.item_tokens.codes import own_codes, residual_kmeans
from tokrec.recommend.item_tokens.keeping import packed, unpacked
from tokrec.recommend.item_tokens.trie import Trie, build_trie
from tokrec.text import item_texts

if TYPE_CHECKING:
    from tokrec.recommend.item_tokens.decoder import Decoder

Origin = Literal["text", "readers", "chance"]
BLOCK = 1_000_000  # beginnings of items held at once while all are scored


class ItemTokensRecommender(Recommender):
    """Every item is a few codes; a causal transformer reads those of a history and writes those of the next item.

    Chapter *item_tokens*. After Rajput et al. (2023), small: residual k-means in place of their RQ-VAE, a decoder alone. A trie of all
    codes sees to it that nothing but an item is written. An item's score is the logarithm of the probability that it is written next.

    Parameters
    ----------
    origin : {"text", "readers", "chance"}
        What the codes are made of: the bundled encoder's vectors of the items' texts; who liked them (items that nobody liked are then all
        alike); nothing at all, as a control.
    codes, levels : int
        Codes a level, levels.
    length : int
        Items that are read and written at most: a reader's last ``length - 1`` liked ones count.
    width, layers : int
        Of the transformer.
    epochs : int
    wishes : bool
        Learn to read words too, from the items' own texts: needed for ``recommend(text=...)``.
    beam : int, optional
        So many items get a score, and the others ``-inf``. By default all get theirs, which costs more.
    random_state : int
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    codes_ : ndarray of int, shape (n_items, levels)
    trie_ : Trie
    decoder_ : Decoder
    losses_ : ndarray, shape (epochs,)
        Mean loss of each epoch of the training, in nats a code.
    """

    codes_: np.ndarray
    trie_: Trie
    decoder_: Decoder
    losses_: np.ndarray
    _kept: dict[str, np.ndarray]

    def __init__(
        self,
        origin: Origin = "text",
        codes: int = 32,
        levels: int = 4,
        length: int = 12,
        width: int = 64,
        layers: int = 2,
        epochs: int = 20,
        wishes: bool = False,
        beam: int | None = None,
        random_state: int = 0,
        positive: float | None = None,
    ) -> None:
        self.origin = origin
        self.codes = codes
        self.levels = levels
        self.length = length
        self.width = width
        self.layers = layers
        self.epochs = epochs
        self.wishes = wishes
        self.beam = beam
        self.random_state = random_state
        self.positive = positive

    def _fit(self) -> None:
        self._check_parameters()
        kept = self.__dict__.pop("_kept", None)
        self._train() if kept is None else self._take_over(kept)

    def _train(self) -> None:
        from tokrec.recommend.item_tokens.training import train

        self.codes_ = self._item_codes()
        self.trie_ = build_trie(self.codes_, self.codes)
        self.decoder_ = self._new_decoder()
        read = self._read_texts() if self.wishes else []
        self.losses_ = train(self.decoder_, lambda rng: self._histories(rng) + read, self.epochs, LEARNING_RATE, self.random_state)

    def _check_parameters(self) -> None:
        if self.origin not in ("text", "readers", "chance"):
            raise ValueError(f"origin must be 'text', 'readers' or 'chance', not {self.origin!r}")
        for name in ("codes", "levels", "width", "layers", "epochs"):
            check_number(getattr(self, name), name, least=1)
        check_number(self.length, "length", least=2)
        if self.width % 2:
            raise ValueError(f"width must be even, since two heads share it, got {self.width}")
        if self.beam is not None:
            check_k(self.beam)

    def _item_codes(self) -> np.ndarray:
        if self.origin == "chance":
            return chance_codes(len(self.items_), self.codes, self.levels, self.random_state)
        vectors = self._text_vectors() if self.origin == "text" else self._reader_vectors()
        return own_codes(vectors, residual_kmeans(vectors, self.codes, self.levels, self.random_state))

    def _text_vectors(self) -> np.ndarray:
        return ContentRecommender("encoder")._learn_beside(self).vectors_

    def _reader_vectors(self) -> np.ndarray:
        """The items on the strongest axes of the matrix of likes, each at unit length; zero where nobody liked one."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.preprocessing import normalize

        liked = (self.seen_ >= self.positive_).astype(np.float32).T
        if min(liked.shape) < 2 or not liked.nnz:
            raise ValueError("codes from readers need two items, two readers and something liked: use origin='text'")
        size = min(64, min(liked.shape) - 1)
        return normalize(TruncatedSVD(size, random_state=self.random_state).fit_transform(normalize(liked))).astype(np.float32)

    def _new_decoder(self) -> Decoder:
        import torch

        from tokrec.recommend.item_tokens.decoder import Decoder

        torch.manual_seed(self.random_state)
        pieces = self._piece_vectors() if self.wishes else np.zeros((0, self.width), np.float32)
        decoder = Decoder(self.codes, self.levels, 1 + self.levels * self.length, len(pieces), self.width, self.layers)
        with torch.no_grad():
            decoder.tokens.weight[self._first_piece :] = torch.from_numpy(pieces)
        return decoder

    @property
    def _first_piece(self) -> int:
        from tokrec.recommend.item_tokens.decoder import FIRST

        return FIRST + self.levels * self.codes

    def _piece_vectors(self) -> np.ndarray:
        """The bundled encoder's word pieces on their strongest axes: where each of them starts."""
        from sklearn.decomposition import PCA

        from tokrec.features.encoder import default_encoder

        table = default_encoder().model.embeddings.word_embeddings.weight.detach().cpu().float().numpy()
        reduced = PCA(self.width, svd_solver="covariance_eigh").fit_transform(table)
        return (0.1 * reduced / reduced.std()).astype(np.float32)

    def _item_tokens(self) -> np.ndarray:
        from tokrec.recommend.item_tokens.decoder import code_tokens

        return code_tokens(self.codes_, self.codes)

    def _histories(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Token rows of one epoch: pieces of all readers' histories."""
        from tokrec.recommend.item_tokens.training import windows

        tokens = self._item_tokens()
        return [tokens[part].ravel() for part in windows(self._liked_in_order(self.seen_, self.times_, rng), self.length, rng)]

    def _read_texts(self) -> list[np.ndarray]:
        """Token rows: what is said of an item, and the item's codes behind it."""
        tokens, longest = self._item_tokens(), self.levels * (self.length - 1)
        texts, owners = self._said_of_items()
        return [np.concatenate([pieces[:longest], tokens[owner]]) for pieces, owner in zip(self._pieces(texts), owners, strict=True)]

    def _said_of_items(self) -> tuple[list[str], list[int]]:
        """Title, description and labels of each item, in each of its languages, as texts of their own, and whose they are."""
        languages: list[str | None] = [name for name in ("en", "zh") if f"title_{name}" in self.items_ or f"text_{name}" in self.items_]
        said = [
            (text, item) for language in languages or [None] for item, text in enumerate(item_texts(self.items_, language, labels=True))
        ]
        titles = [name for name in ("title", "title_en", "title_zh") if name in self.items_]
        said += [(text, item) for name in titles for item, text in enumerate(self.items_[name].tolist()) if isinstance(text, str)]
        kept = [(text, item) for text, item in said if text.strip()]
        return [text for text, _ in kept], [item for _, item in kept]

    def _pieces(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Tokens of texts: the bundled tokenizer's word pieces, counted behind the codes."""
        from tokrec.tokens import load_tokenizer

        tokenizer = load_tokenizer()
        return [
            self._first_piece + np.array(found.ids, np.int64) for found in tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def _liked_in_order(self, history: csr_matrix, times: csr_matrix, rng: np.random.Generator) -> list[np.ndarray]:
        """Positions of what each row liked, the oldest first; what came at one moment in an order by chance."""
        liked = []
        for start, end in zip(history.indptr, history.indptr[1:], strict=False):
            row = np.flatnonzero(history.data[start:end] >= self.positive_) + start
            order = np.lexsort((rng.random(len(row)), times.data[row]))
            liked.append(history.indices[row[order]])
        return liked

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        from tokrec.recommend.base import same_time

        return self._score_events(history, same_time(history))

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        return self._score_contexts(self._contexts(history, times))

    def contexts(self, users: Sequence[Any]) -> list[np.ndarray]:
        """The tokens that each known reader's history is read as: the codes of the last liked items, the oldest first."""
        self._check_fitted()
        rows = self._rows(users)
        return self._contexts(self.seen_[rows], self.times_[rows])

    def _contexts(self, history: csr_matrix, times: csr_matrix) -> list[np.ndarray]:
        tokens = self._item_tokens()
        liked = self._liked_in_order(history, times, np.random.default_rng(self.random_state))
        return [tokens[row[max(0, len(row) - self.length + 1) :]].ravel() for row in liked]

    def _score_text(self, texts: Sequence[str]) -> np.ndarray:
        if not self.wishes:
            raise ValueError("this ItemTokensRecommender has not learned to read: make it with wishes=True and fit it again")
        longest = self.levels * (self.length - 1)
        return self._score_contexts([pieces[:longest] for pieces in self._pieces(check_texts(texts))])

    def _score_contexts(self, contexts: list[np.ndarray]) -> np.ndarray:
        from tokrec.recommend.item_tokens.search import score_items

        at_once = max(1, BLOCK // (len(self.items_) * self.codes if self.beam is None else self.beam * self.codes))
        starts = range(0, len(contexts), at_once)
        parts = [score_items(self.decoder_, contexts[start : start + at_once], self.trie_, self.beam) for start in starts]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.items_)), np.float32)

    def only(self, items: pd.Index) -> Self:
        """The same recommender, which writes none but some of the items: a copy that shares the decoder.

        Raises
        ------
        ValueError
            If none of `items` is one of the recommender's.
        """
        self._check_fitted()
        bounded = copy(self)
        bounded.trie_ = build_trie(self.codes_, self.codes, self.items_.index.isin(items))
        return bounded

    def _stored_parameters(self) -> dict[str, Any]:
        parameters = self.get_params(deep=False)
        if not hasattr(self, "decoder_"):
            return parameters
        weights = {f"decoder.{name}": value.numpy() for name, value in self.decoder_.state_dict().items()}
        return parameters | {"kept": packed(weights | {"codes": self.codes_, "losses": self.losses_})}

    @classmethod
    def _from_stored(cls, parameters: dict[str, Any]) -> Self:
        recommender = cls(**{name: value for name, value in parameters.items() if name != "kept"})
        if "kept" in parameters:
            recommender._kept = unpacked(parameters["kept"])  # the next fit takes it over and forgets it
        return recommender

    def _take_over(self, kept: dict[str, np.ndarray]) -> None:
        import torch

        from tokrec.recommend.item_tokens.decoder import Decoder

        weights = {name.removeprefix("decoder."): torch.from_numpy(value) for name, value in kept.items() if name.startswith("decoder.")}
        pieces = len(weights["tokens.weight"]) - self._first_piece
        self.codes_, self.losses_ = kept["codes"], kept["losses"]
        self.trie_ = build_trie(self.codes_, self.codes)
        self.decoder_ = Decoder(self.codes, self.levels, 1 + self.levels * self.length, pieces, self.width, self.layers).eval()
        self.decoder_.load_state_dict(weights)


LEARNING_RATE = 3e-3


def chance_codes(n_items: int, codes: int, levels: int, random_state: int = 0) -> np.ndarray:
    """Codes that mean nothing, no two items alike: ``(n_items, levels)``. Chapter *item_tokens*.

    Raises
    ------
    ValueError
        If there are more items than codes can tell apart.
    """
    if n_items > codes**levels:
        raise ValueError(f"{levels} levels of {codes} codes tell {codes**levels} items apart, not {n_items}: use more levels or codes")
    rng, found = np.random.default_rng(random_state), np.zeros((0, levels), np.int64)
    while len(found) < n_items:
        drawn = rng.integers(codes, size=(2 * n_items, levels))
        found = np.concatenate([found, drawn])
        found = found[np.sort(np.unique(found, axis=0, return_index=True)[1])]
    return found[:n_items]
