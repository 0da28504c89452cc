"""The shelf: a bilingual catalogue with facts, judged queries, reviews and simulated readers (page *shelf*)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import pandas as pd

DOMAINS = ("books", "films", "devices", "learning", "food", "travel", "music", "health", "news")


def shelf_folder() -> Path:
    """Where the shelf's plain-text files lie. Page *shelf*."""
    return Path(str(files("tokrec").joinpath("data", "shelf")))


@dataclass(frozen=True)
class Shelf:
    """The bundled data; every table is read on first use. Page *shelf*."""

    folder: Path

    @cached_property
    def items(self) -> pd.DataFrame:
        """Indexed by ``item_id``.

        Columns: ``domain, kind, title_en, title_zh, text_en, text_zh, creator, creator_zh, year, genre, genre_zh, tags, tags_zh, date``;
        only news have a ``date`` (YYYY-MM-DD), elsewhere it is empty.
        """
        rows = [row for domain in DOMAINS for row in _json_lines(self.folder / "items" / f"{domain}.jsonl")]
        return pd.DataFrame(rows).set_index("item_id").fillna({"date": ""})

    @cached_property
    def facts(self) -> pd.DataFrame:
        """Triples ``head, relation, tail``: the head is an item, the tail an item or an entity."""
        return _table(self.folder / "facts.tsv")

    @cached_property
    def entities(self) -> pd.DataFrame:
        """Indexed by ``entity_id``: ``type, name_en, name_zh``."""
        return _table(self.folder / "entities.tsv").set_index("entity_id")

    @cached_property
    def queries(self) -> pd.DataFrame:
        """Indexed by ``query_id``: ``kind``, ``half`` (dev or test), ``text_en``, ``text_zh``, ``single_domain`` (why, or empty)."""
        return pd.DataFrame(_json_lines(self.folder / "queries.jsonl")).set_index("query_id")

    @cached_property
    def relevance(self) -> pd.DataFrame:
        """Judgements ``query_id, item_id, relevance`` from 1 to 3; what is not listed has 0."""
        return _table(self.folder / "relevance.tsv").astype({"relevance": int})

    @cached_property
    def forbidden(self) -> pd.DataFrame:
        """What a negative query rules out, where it can be told from an item's fields: ``query_id, column, value``, any of them."""
        return _table(self.folder / "forbidden.tsv")

    @cached_property
    def wanted(self) -> pd.DataFrame:
        """The negative queries of :attr:`forbidden` without their *not*: ``text_en, text_zh``, indexed by ``query_id``."""
        return _table(self.folder / "wanted.tsv").set_index("query_id")

    def ruled_out(self) -> pd.DataFrame:
        """Whether an item is what a query said that it must not be: bool, a row for each query of :attr:`forbidden`, a column an item.

        An item that was judged to be of use is never ruled out.
        """
        holds = pd.DataFrame(False, index=self.forbidden["query_id"].unique(), columns=self.items.index)
        for query, column, value in self.forbidden.itertuples(index=False):
            cells = self.items[column]
            holds.loc[query] |= cells.map(lambda cell, value=value: value in cell if isinstance(cell, list) else value == cell)
        for query, judged in self.relevance.groupby("query_id")["item_id"]:
            if query in holds.index:
                holds.loc[query, judged.tolist()] = False
        return holds

    @cached_property
    def second_judgement(self) -> pd.DataFrame:
        """A second judge's ``grade`` of pairs ``query_id, item_id``, 0 included; of some a second time, ``again`` (else missing)."""
        return _table(self.folder / "second_judgement.tsv").astype({"grade": int}).assign(again=lambda table: pd.to_numeric(table["again"]))

    @cached_property
    def reviews(self) -> pd.DataFrame:
        """Indexed by ``review_id``: ``item_id, language, stars`` (1 to 5), ``text``, and the flags ``mixed, ironic, mismatch``."""
        return pd.DataFrame(_json_lines(self.folder / "reviews.jsonl")).set_index("review_id")

    @cached_property
    def interactions(self) -> pd.DataFrame:
        """Simulated: ``user_id, item_id, rating`` (0.5 to 5), ``timestamp`` (seconds since 1970), by time."""
        return pd.read_csv(self.folder / "interactions.csv", dtype={"user_id": str, "item_id": str})


def load_shelf() -> Shelf:
    """The bundled shelf. Page *shelf*; used from chapter *tokens* on.

    Returns
    -------
    Shelf
        With the tables ``items, facts, entities, queries, relevance, second_judgement, reviews, interactions``.
    """
    return Shelf(shelf_folder())


def _json_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=3)
