"""BERT's forward pass in plain PyTorch, with the parameter names of transformers (chapter *bert_features*).

The bundled model runs on this, because importing transformers takes longer than answering a query. A test asserts that both
give the same vectors; chapter *bert_features* uses the library's.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional


class Bert(nn.Module):
    """Token, position and segment embeddings, then layers of attention and feed-forward, each with residual and normalisation.

    Follows Devlin et al. (2019); takes the ``config.json`` and ``model.safetensors`` of a ``transformers.BertModel``.

    Attributes
    ----------
    config : SimpleNamespace
        The entries of ``config.json``.
    pooler : None
        The bundled model has no pooling layer.
    """

    pooler = None

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.config = config
        size, eps = config.hidden_size, config.layer_norm_eps
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(config.vocab_size, size, padding_idx=config.pad_token_id),
                "position_embeddings": nn.Embedding(config.max_position_embeddings, size),
                "token_type_embeddings": nn.Embedding(config.type_vocab_size, size),
                "LayerNorm": nn.LayerNorm(size, eps),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))})

    @classmethod
    def from_folder(cls, folder: Path) -> Bert:
        """Read configuration and weights; the weights become float32."""
        from safetensors.torch import load_file

        model = cls(SimpleNamespace(**json.loads((folder / "config.json").read_text(encoding="utf-8"))))
        state = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
        model.load_state_dict(state, assign=True)
        return model.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        """``last_hidden_state`` of shape (batch, length, hidden_size) for ids and a 0/1 mask of shape (batch, length)."""
        parts = self.embeddings
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        first = torch.zeros_like(places)
        states = parts["word_embeddings"](input_ids) + parts["position_embeddings"](places) + parts["token_type_embeddings"](first)
        states = parts["LayerNorm"](states)
        visible = attention_mask[:, None, None, :].bool()
        for layer in self.encoder["layer"].children():
            states = layer(states, visible)
        return SimpleNamespace(last_hidden_state=states)


class Layer(nn.Module):
    """One layer of :class:`Bert`."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        size, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.heads = config.num_attention_heads
        self.activation = {"relu": nn.ReLU(), "gelu": nn.GELU()}[config.hidden_act]
        self.attention = nn.ModuleDict(
            {
                "self": nn.ModuleDict({name: nn.Linear(size, size) for name in ("query", "key", "value")}),
                "output": nn.ModuleDict({"dense": nn.Linear(size, size), "LayerNorm": nn.LayerNorm(size, eps)}),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(size, inner)})
        self.output = nn.ModuleDict({"dense": nn.Linear(inner, size), "LayerNorm": nn.LayerNorm(size, eps)})

    def forward(self, states: Tensor, visible: Tensor) -> Tensor:
        """New states; attention sees only tokens where `visible` is true."""
        query, key, value = (self.split(projection(states)) for projection in self.attention["self"].children())
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        mixed = mixed.transpose(1, 2).flatten(2)
        dense, norm = self.attention["output"].children()
        states = norm(states + dense(mixed))
        inner = self.activation(self.intermediate["dense"](states))
        return self.output["LayerNorm"](states + self.output["dense"](inner))

    def split(self, states: Tensor) -> Tensor:
        """(batch, length, size) to (batch, heads, length, size / heads)."""
        return states.unflatten(2, (self.heads, -1)).transpose(1, 2)
