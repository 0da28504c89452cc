"""The student: a small BERT, the mean of its token states, and a linear map to the teacher's space."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel


class Student(nn.Module):
    """Ids and mask in, unit-length vectors ``(batch, output_size)`` out."""

    def __init__(self, vocab_size: int, max_length: int, output_size: int, **shape: object) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=vocab_size,
            max_position_embeddings=max_length,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            **shape,
        )
        config._attn_implementation = "eager"
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dense = nn.Linear(config.hidden_size, output_size, bias=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Unit-length vectors of texts given as ids and a 0/1 mask of shape (batch, length)."""
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return nn.functional.normalize(self.dense((states * mask).sum(1) / mask.sum(1)), dim=1)

    @torch.no_grad()
    def start_from(self, token_vectors: np.ndarray, special: int) -> None:
        """Start the token embeddings at the principal components of teacher vectors, and the dense layer at their inverse.

        `token_vectors` is ``(vocab_size, output_size)``: the teacher's vector of each piece (zero where it has none). At this
        start the student is a bag of static word vectors; training adds what depends on order and context.
        """
        vectors = torch.tensor(token_vectors, dtype=torch.float32)
        vectors = vectors - vectors[special:].mean(0)
        _, _, components = torch.linalg.svd(vectors[special:], full_matrices=False)
        basis = components[: self.bert.config.hidden_size]
        reduced = vectors @ basis.T
        self.bert.embeddings.word_embeddings.weight[special:] = (reduced / reduced[special:].std() * 0.05)[special:]
        self.bert.embeddings.position_embeddings.weight.mul_(0.25)
        self.bert.embeddings.token_type_embeddings.weight.zero_()
        self.dense.weight.copy_(basis.T)

    @torch.no_grad()
    def start_from_layers(self, teacher: BertModel, keep: list[int], token_embeddings: np.ndarray, projection: np.ndarray) -> None:
        """Start from a larger BERT of the same width: some of its layers, an input embedding ``(vocab_size, width)`` for each piece.

        `projection`, ``(width, output_size)``, takes the teacher's vectors to the targets. If the two vocabularies were one and all
        layers were kept, the student would now be the teacher, seen through that map.
        """
        places = self.bert.embeddings.position_embeddings.weight
        state = teacher.embeddings.state_dict() | {"word_embeddings.weight": torch.tensor(token_embeddings)}
        state["position_embeddings.weight"] = state["position_embeddings.weight"][: len(places)]
        self.bert.embeddings.load_state_dict({name: state[name] for name in self.bert.embeddings.state_dict()})
        for layer, number in zip(self.bert.encoder.layer, keep, strict=True):
            layer.load_state_dict(teacher.encoder.layer[number].state_dict())
        self.dense.weight.copy_(torch.from_numpy(projection.T))
