"""RQ-VAE: codebooks that are learned together with the space in which they count (chapter *item_tokens*)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tokrec.recommend.item_tokens.codes import residual_kmeans


class ResidualVAE(nn.Module):
    """Vectors in; a few numbers, their nearest codes and the vectors that these stand for out (Rajput et al. 2023).

    Chapter *item_tokens*.
    """

    def __init__(self, width: int, codes: int, levels: int, latent: int = 32, hidden: int = 128) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, latent))
        self.up = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.centres = nn.Parameter(torch.zeros(levels, codes, latent))

    def quantise(self, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Codes ``(n, levels)``, the sum of their centres, and the loss that pulls centres and places together."""
        left, total, codes, loss = place, torch.zeros_like(place), [], place.new_zeros(())
        for centres in self.centres:
            nearest = torch.cdist(left.detach(), centres.detach()).argmin(dim=1)
            chosen = centres[nearest]
            loss = loss + ((left.detach() - chosen) ** 2).sum(1).mean() + 0.25 * ((left - chosen.detach()) ** 2).sum(1).mean()
            left, total = left - chosen.detach(), total + chosen
            codes.append(nearest)
        return torch.stack(codes, dim=1), total, loss

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Error of the way back from the codes, and the codes' own loss."""
        place = self.down(vectors)
        _, total, loss = self.quantise(place)
        through = place + (total - place).detach()  # the gradient goes past the choice of a code as if there had been none
        return ((self.up(through) - vectors) ** 2).sum(1).mean(), loss


def train_rqvae(
    vectors: np.ndarray, codes: int = 32, levels: int = 4, epochs: int = 100, random_state: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Codes by an RQ-VAE, its centres started by residual k-means. Chapter *item_tokens*.

    Returns
    -------
    codes : ndarray of int, shape (n, levels)
        Items may share them.
    errors : ndarray, shape (epochs,)
        Mean squared distance between vectors and what their codes give back.
    """
    torch.manual_seed(random_state)
    data = torch.from_numpy(np.asarray(vectors, np.float32))
    model = ResidualVAE(data.shape[1], codes, levels)
    optimizer, errors = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0), []
    for epoch in range(epochs):
        if epoch == epochs // 10:  # the space has settled a little
            with torch.no_grad():
                model.centres.copy_(torch.from_numpy(residual_kmeans(model.down(data).numpy(), codes, levels, random_state).centres))
        parts = []
        for rows in torch.randperm(len(data)).split(256):
            error, loss = model(data[rows])
            if epoch < epochs // 10:  # first without codes
                error, loss = ((model.up(model.down(data[rows])) - data[rows]) ** 2).sum(1).mean(), error.new_zeros(())
            optimizer.zero_grad()
            (error + loss).backward()
            optimizer.step()
            parts.append(error.item() * len(rows))
        errors.append(sum(parts) / len(data))
    with torch.no_grad():
        return model.quantise(model.down(data))[0].numpy(), np.array(errors)
