import sys, nbformat
from nbformat.v4 import new_notebook, new_markdown_cell as M, new_code_cell as C

cells = []


def md(s, *consts):
    cells.append(M(s.strip() + (f"\n\n<!-- constants: {' '.join(consts)} -->" if consts else "")))


def code(s, alt=None, tags=None):
    meta = {}
    if alt:
        meta["mystnb"] = {"image": {"alt": alt}}
    if tags:
        meta["tags"] = tags
    cells.append(C(s.strip(), metadata=meta))


md("""
# Items as tokens

The title of this book speaks of tokens, and so far a token (词元) was a piece of a *text*. What if a novel, a film or a watch were itself a few tokens? *The Three-Body Problem* (三体) would be four numbers, and *Death's End* (死神永生), its second sequel, four numbers that begin alike. A model that writes one token after the other could then write the next thing to read, as others write the next word. Does that work? Does such a model invent novels that nobody wrote? And does it find more than a table that counts?

## What you'll learn

- to turn a vector into a few codes: k-means on what k-means left over, by hand and as `tokrec` does it, with an RQ-VAE beside it;
- what the codes know of domains, genres and neighbours, and what gets lost;
- how a decoder reads and writes codes, and how a trie keeps it from inventing items;
- why a wide beam finds what scoring every item finds;
- how the same decoder reads a wish in words;
- who wins on MovieLens, on new films, on the shelf and in a world made of codes, and what stands in the way.

**What you need**: vectors of texts ([BERT features](bert_features.ipynb)), the path from a history to a list ([A recommender, end to end](recommender.ipynb)), some PyTorch.
""")
code(
    """
import importlib.util

if importlib.util.find_spec("tokrec") is None:
    get_ipython().run_line_magic(
        "pip", 'install -q "tokrec @ git+https://github.com/tokrec/tokrec"'
    )
""",
    tags=["remove-cell"],
)
code("""
import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt

import tokrec
from tokrec import plot
from tokrec.recommend import item_tokens as it
from tokrec.stored import glue, stored

plot.use_style()
pd.set_option("display.max_colwidth", 60)
torch.set_num_threads(1)
shelf = tokrec.load_shelf()
items, titles = shelf.items, shelf.items["title_en"]
vectors = tokrec.ContentRecommender("encoder").fit(None, items).vectors_

few = it.residual_kmeans(vectors, codes=8, levels=4)
codes = it.own_codes(vectors, few)
begun, ended = "book-three-body-problem", "book-deaths-end"
at = items.index.get_indexer([begun, ended])
for row in at:
    print(f"{titles.iloc[row]:24}", *codes[row])
same = int((codes[at[0]] == codes[at[1]]).cumprod().sum())
glue("same", same)
assert same >= 2
""")
code(
    """
near = np.flatnonzero((codes[:, :2] == codes[at[0], :2]).all(axis=1))
near = near[np.lexsort(codes[near].T[::-1])]
height = pd.Series(-np.arange(len(near), dtype=float), index=near)
_, axes = plt.subplots(figsize=(7, 0.3 * len(near) + 0.6))
spots = {}
for level in range(2, 5):
    for prefix in dict.fromkeys(map(tuple, codes[near, :level].tolist())):
        below = near[(codes[near, :level] == prefix).all(axis=1)]
        spots[prefix] = level, height[below].mean()
        if prefix[:-1] in spots:
            start, end = spots[prefix[:-1]], spots[prefix]
            axes.plot([start[0], end[0]], [start[1], end[1]], color="0.6")
for prefix, (x, y) in spots.items():
    label = " ".join(map(str, prefix)) if len(prefix) == 2 else prefix[-1]
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "0.6"}
    axes.text(x, y, label, ha="center", va="center", bbox=box)
for row in near:
    color = plot.PALETTE[4] if row in at else "black"
    axes.text(4.2, height[row], titles.iloc[row], va="center", color=color)
axes.set(xlim=(1.7, 7), ylim=(0.7 - len(near), 0.7))
axes.axis("off")
plt.show()
glue("n_near", len(near))
""",
    alt="A tree from left to right: two shared codes branch into a third and a fourth code each, with a title at every leaf. The Three-Body Problem, The Dark Forest and Death's End hang on one branch, other science fiction on branches nearby.",
)
md(
    """
Eight codes a level, four levels, and all ?<!-- n_near --> items of the shelf that share their first two codes with *The Three-Body Problem*. *Death's End* shares ?<!-- same --> with it. Nobody told the codes what a trilogy is: they come from the sentence vectors alone, and the vectors from titles, descriptions and labels.

Why do this? A recommender that has a name for every item, a number from 0 to one less than the size of the catalogue, learns about each name from nothing. Names that share codes share what is learned about the codes. And there are few codes: 4 levels of 64 name 16,777,216 things. These *semantic IDs* (语义 ID), and a transformer that writes them, are due to [Rajput et al. 2023](../book/references.md#rajput-et-al-2023); they called it TIGER.

## Codes by hand

Which code does a vector get at the first level? The nearest of $K$ centres, found by k-means (k 均值): assign every vector to its nearest centre, move every centre to the mean of what it got, and again, until nothing changes.
""",
    "4",
    "64",
    "16,777,216",
)
code('''
from sklearn.cluster import KMeans


def k_means(points, centres):
    """Move the centres until they stay; which centre each point has."""
    nearest = None
    while True:
        gaps = ((points[:, None] - centres) ** 2).sum(axis=2)
        if nearest is not None and (gaps.argmin(axis=1) == nearest).all():
            return centres, nearest
        nearest = gaps.argmin(axis=1)
        means = [points[nearest == k].mean(axis=0) for k in range(len(centres))]
        centres = np.stack(means)


start = vectors[::96][:8]
centres, first = k_means(vectors, start)
library = KMeans(8, init=start, n_init=1, tol=0).fit(vectors)
np.testing.assert_array_equal(first, library.labels_)
np.testing.assert_allclose(centres, library.cluster_centers_, atol=1e-5)
print("items of each code:", np.bincount(first))
''')
md("""
By hand and by scikit-learn it is the same. One code says little. So subtract the centre, and code *what is left over* (the residual, 残差) by another k-means, and so on: the vector becomes a coarse place, a step from there, a smaller step. The sum of the centres is what the codes remember of the vector.

$$v \\approx c^{(1)}_{k_1} + c^{(2)}_{k_2} + c^{(3)}_{k_3} + c^{(4)}_{k_4}$$
""")
code("""
left, remembered, rows = vectors.copy(), np.zeros_like(vectors), []
for level, book in enumerate(few.centres):
    chosen = ((left[:, None] - book) ** 2).sum(axis=2).argmin(axis=1)
    remembered += book[chosen]
    left = vectors - remembered
    lost = (left**2).sum(axis=1).mean()
    rows.append((level + 1, *chosen[at], lost))
by_hand = np.array([row[1:3] for row in rows]).T
np.testing.assert_array_equal(by_hand, few.encode(vectors)[at])
np.testing.assert_allclose(
    remembered, few.decode(few.encode(vectors)), atol=1e-5
)
lost = pd.Series([row[3] for row in rows])
assert lost.is_monotonic_decreasing
glue("lost", lost.iloc[-1])
names = ["level", "The Three-Body Problem", "Death's End", "lost"]
pd.DataFrame(rows, columns=names).round(2)
""")
md("""
The last column is the mean squared distance between the vectors, which have length 1, and what their codes remember. After four levels of eight codes ?<!-- lost:.0% --> are still lost.

## An address for each

Codes are of use as names only if no two items have the same. How many have codes of their own? And what becomes of the others?
""")
code("""
rows = {}
for size in (8, 16, 32):
    found = it.residual_kmeans(vectors, size, 4).encode(vectors)
    rows[size] = [it.share_alone(found[:, :n]) for n in (1, 2, 3, 4)]
alone = pd.DataFrame.from_dict(rows, orient="index", columns=range(1, 5))
glue("alone", alone.loc[32, 4])
assert alone.loc[32, 4] > 0.95

books = it.residual_kmeans(vectors, 32, 4)
plain, codes = books.encode(vectors), it.own_codes(vectors, books)
assert it.share_alone(codes) == 1
moved = (plain != codes).any(axis=1)
glue("moved", moved.sum())
print("moved:", *titles[moved].head(4), sep="\\n  ")
alone.rename_axis("codes a level").rename_axis("levels", axis=1).style.format(
    "{:.0%}"
)
""")
md(
    """
With 32 codes a level, ?<!-- alone:.1% --> of the items have four codes that no other item has. The other ones collide. Rajput et al. append a number that counts through items with equal codes; it means nothing, and the decoder has to learn it by heart. `own_codes` lets the item that fits best keep the codes; whoever comes later takes the nearest last code that is free. On the shelf ?<!-- moved --> items move.

**With an RQ-VAE.** K-means takes the space as it is. An RQ-VAE ([Lee et al. 2022](../book/references.md#lee-et-al-2022); in TIGER) learns a smaller space, the centres in it, and the way back, all at once: two small networks, and between them the same subtraction level by level. The choice of the nearest centre has no gradient, so the gradient is passed on as if there had been no choice.
""",
    "32",
)
code("""
from tokrec.recommend.item_tokens.rqvae import train_rqvae

learned, errors = train_rqvae(vectors, 32, 4, epochs=60)
domains, genres = items["domain"].to_numpy(), items["genre"].to_numpy()
mixed = np.random.default_rng(0).permutation(domains)
by_chance = np.random.default_rng(1).integers(32, size=codes.shape)
rows = {}
kinds = {"k-means": plain, "RQ-VAE": learned, "by chance": by_chance}
for name, found in kinds.items():
    rows[name] = {
        "alone": it.share_alone(found),
        "domain": it.purity(found[:, 0], domains),
        "genre": it.purity(found[:, 0], genres),
        "shuffled domain": it.purity(found[:, 0], mixed),
    }
table = pd.DataFrame.from_dict(rows, orient="index")
for name, row in table.iterrows():
    glue(f"domain_{name.split()[-1]}", row["domain"])
    glue(f"alone_{name.split()[-1]}", row["alone"])
glue("domain_shuffled", table.loc["k-means", "shuffled domain"])
assert (table["domain"][:2] > table["shuffled domain"][:2] + 0.2).all()
table.round(2)
""")
md("""
*Purity* (纯度): guess for every item the commonest domain among the items with its first code, and count how often that is right. For k-means it is ?<!-- domain_k-means:.0% -->, for the RQ-VAE ?<!-- domain_RQ-VAE:.0% -->. A control tells how much of that is no merit: with the domains shuffled, the same codes reach ?<!-- domain_shuffled:.0% -->, and codes drawn by chance ?<!-- domain_chance:.0% -->. What does the first code know, then?
""")
code(
    """
table = pd.crosstab(codes[:, 0], domains)
share = table.div(table.sum(axis=1), axis=0)
share = share.loc[share.idxmax(axis=1).sort_values(kind="stable").index]
_, axes = plt.subplots(figsize=(7, 3.2))
axes.imshow(share.T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
axes.set_yticks(range(len(share.columns)), share.columns)
axes.set_xticks(range(len(share)), share.index, fontsize=7)
axes.set_xlabel("first code")
axes.grid(False)
plt.show()
pure = int((share.max(axis=1) > 0.9).sum())
glue("pure", pure)
print(f"{pure} of {len(share)} codes belong to one domain by nine tenths")
""",
    alt="A grid of nine domains by 32 first codes, darker where more of a code's items come from the domain. Food, travel and devices own several codes each, books and films share many.",
)
md("""
?<!-- pure --> codes belong to one domain. Others run across: a novel, a film and a course about space are of one first code, and for a reader that may be the better order. The domain was never asked for.

**The neighbourhood.** How many of an item's ten nearest neighbours, by the cosine of the full vectors, are still among its ten nearest when only the codes speak?
""")
code(
    """
rows = {}
for level in (1, 2, 3, 4):
    rows[level] = [
        it.neighbours_kept(vectors, books.decode(found[:, :level])).mean()
        for found in (codes, by_chance)
    ]
kept = pd.DataFrame.from_dict(rows, orient="index")
kept.columns = ["codes from text", "codes by chance"]
axes = kept.plot(marker="o", ylim=(0, 1), color=plot.PALETTE[:2])
axes.set(xlabel="levels read", ylabel="of ten neighbours kept", xticks=range(1, 5))
plt.show()
glue("kept", kept.iloc[-1, 0])
glue("kept_chance", kept.iloc[-1, 1])
assert kept.iloc[-1, 0] > 5 * kept.iloc[-1, 1]
""",
    alt="Two lines over one to four levels: the share of ten neighbours kept rises for codes from text and stays near zero for codes by chance.",
)
md(
    """
All four codes keep ?<!-- kept:.0% --> of the ten neighbours; codes by chance keep ?<!-- kept_chance:.0% -->. That is the price: ?<!-- bits --> bits instead of 384 numbers. The order between an item and its nearest neighbours lies in the small differences that the codes have thrown away.

<details>
<summary>Quick question: the second code of one item is 5, and so is that of another, whose first code is different. Are the two alike?</summary>

Hardly. A later code stands for a step, and the same step from two places leads to two places. That is why the decoder below has to read codes in their order.

</details>

## A decoder that writes items

A history becomes a row of codes, oldest first, four for each item, and a wish becomes a row of word pieces. There is one vocabulary (词表) for both: a token to start with, 32 codes for each of the four levels, and behind them the pieces of tokrec-mini's tokenizer. A small causal transformer reads the row and gives each code a probability of being next. It learns from what readers did, one code at a time, and the probability of an item is the product over its codes:

$$P(\\text{item} \\mid \\text{history}) = \\prod_{l=1}^{4} P(k_l \\mid \\text{history}, k_1, \\dots, k_{l-1}).$$

The next cell trains a tiny one, on the shelf's simulated readers.
""",
    "384",
    "32",
)
code("""
from tokrec.evaluate import warm_split

train, test = warm_split(shelf.interactions)
settings = {"codes": 32, "length": 8, "width": 32, "layers": 1}
writer = tokrec.recommend.ItemTokensRecommender(**settings, epochs=4)
writer.fit(train, items)
codes, trie = writer.codes_, writer.trie_
decoder = writer.decoder_
weights = sum(part.numel() for part in decoder.parameters())
glue("weights", weights)
glue("bits", int(np.ceil(np.log2(32**4))))
print(f"{weights:,} weights; loss by epoch", writer.losses_.round(2))
print(f"a guess at random among the codes of a level: {np.log(32):.2f}")
assert writer.losses_[-1] < writer.losses_[0]
""")
md(
    """
**One item's score, by hand.** Put the item's codes behind the history, let the decoder read the whole row once, and take the four probabilities off it. But which codes compete? The decoder may spend some of its probability on codes that lead nowhere: with 32 codes and four levels there are 1,048,576 rows of codes and ?<!-- n_items --> items. A *trie* (字典树) holds what exists: from the root one step for each first code in use, from there one for each second code in use after it, and so on.
""",
    "32",
    "1,048,576",
)
code("""
tree = {}
for item, row in enumerate(codes.tolist()):
    node = tree
    for code in row[:-1]:
        node = node.setdefault(code, {})
    node[row[-1]] = item

one = codes[at[0]].tolist()
below = tree[one[0]][one[1]]
print("after", *one[:2], "may come", *sorted(below))
children = trie.children
assert children[2].shape[0] == sum(
    len(second) for second in tree.values()
)  # one node for each pair of codes in use
ways = [(part >= 0).sum() for part in children]
glue("n_items", len(items))
print("ways on at each level:", *ways)
assert trie.written(codes).tolist() == list(range(len(items)))
assert ways[-1] == len(items)
""")
code('''
from tokrec.recommend.item_tokens.decoder import code_tokens, padded
from tokrec.recommend.item_tokens.search import draw, score_items

reader = test["user_id"].iloc[0]
(context,) = writer.contexts([reader])


def by_hand(item):
    """Logarithm of the chance that the item is written next."""
    ids = np.concatenate([context, code_tokens(codes[item], 32)])
    with torch.no_grad():
        out = decoder(padded([ids], decoder.length - 1))[0, -5:-1]
    total, node = 0.0, tree
    for level, code in enumerate(codes[item].tolist()):
        rivals = torch.tensor(sorted(node)) + 32 * level
        scores = out[level]
        total += scores[code + 32 * level] - scores[rivals].logsumexp(0)
        node = node[code]
    return float(total)


everything = score_items(decoder, [context], trie)[0]
some = [0, 100, 200, 300, *at]
hand = [by_hand(item) for item in some]
np.testing.assert_allclose(hand, everything[some], atol=1e-4)
assert abs(np.exp(everything).sum() - 1) < 1e-4
''')
md("""
By hand and in `score_items` it is the same. The chances of all items add up to one: something is written for certain, and it is an item.

**Beam search** (束搜索) is what one does when there are too many items to score. Keep the best few beginnings at each level, write on from these, drop the rest. If it keeps as many as there are items, nothing is dropped, and it must find exactly what scoring everything finds. How narrow may it be?
""")
code("""
readers = test["user_id"].unique()[:200].tolist()
contexts = writer.contexts(readers)
whole = score_items(decoder, contexts, trie)
best = np.argsort(-whole, axis=1, kind="stable")[:, :10]
wide = score_items(decoder, contexts, trie, beam=len(items))
np.testing.assert_allclose(wide, whole, atol=1e-5)
rows = {}
for beam in (10, 20, 40, 80, 160):
    found = score_items(decoder, contexts, trie, beam)
    ten = np.argsort(-found, axis=1, kind="stable")[:, :10]
    shared = [len({*a} & {*b}) / 10 for a, b in zip(ten, best)]
    rows[beam] = np.mean(shared)
beams = pd.Series(rows, name="of the ten best").rename_axis("beam")
glue("beam_10", beams[10])
glue("beam_40", beams[40])
assert beams.is_monotonic_increasing and beams[160] > 0.95
beams.round(2).to_frame().T
""")
md("""
A beam of ten finds ?<!-- beam_10:.0% --> of the ten best, one of forty ?<!-- beam_40:.0% -->. A beam goes wrong where a good item hides behind a first code that is not much chosen.

**Does it invent items?** Ten thousand draws by chance, a code at a time, with the trie and without it.
""")
code("""
shares = {}
for name, allowed in {"with the trie": trie, "without": None}.items():
    drawn = draw(decoder, context, 10_000, allowed)
    shares[name] = (trie.written(drawn) < 0).mean()
    glue(name.split()[0], shares[name])
    print(f"{name:14} {shares[name]:.1%} of 10,000 are no item")
assert shares["with the trie"] == 0 and shares["without"] > 0.1
""")
md(
    """
With the trie nothing can be invented, however badly the decoder is trained. Without it, ?<!-- without:.0% --> of what this one writes does not exist. A library of what may be written is also the place for a rule of business: `only` gives a copy that writes nothing but what is in stock (exercise 3).

## Does it recommend well?

Now the real data. MovieLens, each reader's last fifth of what they liked, all films ranked; settings and splits are those of the other chapters' tables. The decoder has two layers of width 32 and 64 codes a level; nothing was tuned on the test. Beside it stand two of its kind whose codes come from elsewhere: from *who liked what* (the strongest axes of the matrix of likes), and *by chance*, the control. If codes from text are worth anything, they must beat codes by chance.
""",
    "32",
    "64",
)
open("part1.pkl", "wb").close()
exec(open("part2.py").read())
nb = new_notebook(cells=cells)
nb.metadata = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
nbformat.write(nb, sys.argv[1])
print(len(cells))
