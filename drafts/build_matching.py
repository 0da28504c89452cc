import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

cells = []


def md(text):
    cells.append(new_markdown_cell(text.strip("\n")))


def code(text, tags=(), alt=None, caption=None, name=None):
    meta = {}
    if tags:
        meta["tags"] = list(tags)
    if alt:
        meta["mystnb"] = {"image": {"alt": alt}}
    if caption:
        meta.setdefault("mystnb", {})["figure"] = {"caption": caption, "name": name}
    cells.append(new_code_cell(text.strip("\n"), metadata=meta))


md(
    """
# Learned matching

The features of the last chapters were made by others. TF-IDF counts, the encoder was trained on translations, and nobody ever told either of them which item is a good answer to which wish. [The shelf](../book/shelf.md) could tell them: it holds 98<!-- n_queries --> queries with graded answers. Article 000 (§5.2) trains a small network on pairs of what a user typed and what was recommended. What must such a network look like to work at all? And how much can be learned from fifty graded wishes?

## What you'll learn

- a neuron, two activation functions and two losses, forward and backward by hand, and then the article's network: embedding, average pooling, dense layer;
- why that network puts the items in the same order for every query, and the one change that mends it;
- what overfitting looks like, and five ways to learn from little: a head on frozen features, two towers, low-rank updates, an encoder that reads both texts together, and queries made of the items' own texts;
- what in-batch negatives do wrong, and the two corrections;
- how a tower that reads text recommends films that nobody has rated.

**What you need**

- sentence vectors ([BERT features](bert_features.ipynb)), contrast as a loss ([A small encoder](small_encoder.ipynb)), NDCG and paired intervals ([A recommender, end to end](recommender.ipynb)), kernel ridge regression ([Cold start](cold_start.ipynb));
- derivatives and the chain rule; some PyTorch.

<!-- constants: -->
""".replace("\n<!-- constants: -->\n", "")
)
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
from torch import nn

import tokrec
from tokrec import plot
from tokrec.evaluate import bootstrap_interval, paired_difference
from tokrec.stored import glue, stored

plot.use_style()
torch.set_num_threads(1)
shelf = tokrec.load_shelf()
items, queries = shelf.items, shelf.queries
results = stored("matching_small") | stored("matching_tuned")
results |= stored("matching_own") | stored("matching_cross")
first = {}
for name in ("frozen encoder", "TF-IDF", "pair scorer"):
    both = np.mean([results[name][code] for code in ("en", "zh")], axis=0)
    first[name] = both.mean(), *bootstrap_interval(both)
glue("n_queries", len(queries))
columns = ["NDCG@10, test half", "low", "high"]
pd.DataFrame.from_dict(first, orient="index", columns=columns).round(3)
""")
md("""
The last row is the article's network, repaired and trained on the development half of the queries. It is far below the encoder that has never seen a graded pair. The chapter explains that row first, and then looks for a better one.
""")
md("""
## A neuron, by hand

A neuron (神经元) multiplies its inputs by weights, adds a bias, and bends the sum: $a = \\sigma(z)$ with $z = w \\cdot x + b$. The bend is the activation function (激活函数), here the sigmoid $\\sigma(z) = 1 / (1 + e^{-z})$ or ReLU, $\\max(0, z)$. A loss (损失函数) says how far $a$ is from the truth $y$: the squared error $(a - y)^2$, or the cross-entropy $-y \\log a - (1 - y) \\log(1 - a)$. Learning needs one more thing, the slope of the loss by each weight. By the chain rule it is

$$\\frac{\\partial L}{\\partial w} = \\frac{\\partial L}{\\partial a} \\cdot \\frac{\\partial a}{\\partial z} \\cdot x .$$

For the sigmoid, $\\partial a / \\partial z = a (1 - a)$. Put the cross-entropy in front of it and nearly everything cancels: $\\partial L / \\partial z = a - y$.
""")
code("""
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


x, w, b, y = np.array([0.5, -1.0, 2.0]), np.array([0.4, 0.3, -0.2]), 0.1, 1.0
z = w @ x + b
a, r = sigmoid(z), max(z, 0.0)
by_hand = {  # output, and the slope of the loss by z
    ("sigmoid", "mse_loss"): (a, 2 * (a - y) * a * (1 - a)),
    ("sigmoid", "binary_cross_entropy"): (a, a - y),
    ("relu", "mse_loss"): (r, 2 * (r - y) * (z > 0)),
}
truth = torch.tensor(y, dtype=torch.float64)
for (activation, loss), (output, slope) in by_hand.items():
    weights = torch.tensor(w, requires_grad=True)
    found = getattr(torch, activation)(weights @ torch.tensor(x) + b)
    getattr(nn.functional, loss)(found, truth).backward()
    np.testing.assert_allclose(found.item(), output)
    np.testing.assert_allclose(weights.grad, slope * x, atol=1e-12)
    gradient = (slope * x).round(3) + 0.0
    print(f"{activation:7} {loss:20} output {output:.3f}, gradient {gradient}")
""")
md("""
By hand and by PyTorch's autograd the numbers are the same. Two of the rows deserve a second look. The ReLU neuron says 0, is wrong, and has the gradient zero: where $z < 0$ it cannot learn from this example. And with the sigmoid, the squared error pulls only half as hard as the cross-entropy or less. The figure shows what becomes of that when a neuron is *badly* wrong.
""")
code(
    """
z_axis = np.linspace(-8, 4, 200)
a = sigmoid(z_axis)
slopes = {"squared error": 2 * (a - 1) * a * (1 - a), "cross-entropy": a - 1}
figure, axes = plt.subplots(figsize=(6.4, 3.4))
for (name, slope), style in zip(slopes.items(), ("--", "-")):
    axes.plot(z_axis, slope, style, label=name)
axes.set(xlabel="z (the truth is 1: right is far to the right)")
axes.set(ylabel="slope of the loss by z", title="What pulls a wrong neuron back")
axes.legend()
plt.show()
at = np.argmin(np.abs(z_axis + 6))  # sure of itself, and wrong
assert slopes["cross-entropy"][at] < -0.99
assert -0.01 < slopes["squared error"][at] < 0
glue("pull_mse", -slopes["squared error"][at])
glue("pull_ce", -slopes["cross-entropy"][at])
""",
    alt="Slope of two losses for a sigmoid neuron whose truth is 1. The cross-entropy's stays near minus one for negative z, the squared error's returns to zero.",
    caption="Slope of the loss for a sigmoid neuron. At z = −6 the squared error has almost no slope left.",
    name="fig-matching-slopes",
)
md("""
At $z = -6$ the neuron is certain and wrong. The cross-entropy pulls with 1.00<!-- pull_ce:.2f -->, the squared error with 0.005<!-- pull_mse:.3f -->. That is why "relevant or not" is trained with the cross-entropy.

<!-- constants: 6 -->

## Article 000's network

The article stacks `Embedding(10000, 16)`, `GlobalAveragePooling1D` and `Dense(1, activation="sigmoid")`. An embedding is a table with a row of numbers for each token; pooling takes the mean of a text's rows; the dense layer is one neuron. As it stands the listing cannot run, and if it ran it could not work ([errata](../book/errata.md)):

- it feeds strings into the embedding, which looks up whole numbers, and takes the recommended *text* as a label where the loss wants 0 or 1;
- the network is never used after training;
- only the user's text goes in. A number that does not depend on an item cannot rank items.

The last point has a tempting repair: put both texts in. The cell tries the two obvious ways with random weights, and lets each rank the shelf's items for two queries.

<!-- constants: 10000 16 -->
""")
code("""
from scipy.stats import spearmanr

from tokrec.recommend.networks import PairScorer
from tokrec.tokens import load_tokenizer, pad_batch

tokenizer = load_tokenizer()


def to_ids(texts):
    rows = [row.ids[1:-1] for row in tokenizer.encode_batch(texts)]
    return torch.from_numpy(pad_batch(rows, pad_id=0)[0])


torch.manual_seed(0)
scorer = PairScorer(tokenizer.get_vocab_size())
two = to_ids(["想要购买一款智能手表", "I am interested in technology"])
titles = to_ids(items["title_en"].tolist())
with torch.no_grad():
    q, v = scorer.pool(two), scorer.pool(titles)
    n_q, n_v = ((ids != 0).sum(dim=1, keepdim=True) for ids in (two, titles))
    w_q, w_v = torch.randn(2, 16)
    beside = (q @ w_q)[:, None] + (v @ w_v)[None]  # a dense layer over [q, v]
    glued = (n_q * q)[:, None] + n_v * v  # one text made of both
    glued = (glued / (n_q[:, None] + n_v)) @ w_v
    product = (q * scorer.dense.weight) @ v.T
""")
code("""
ways = {"side by side": beside, "glued into one text": glued}
ways["multiplied"] = product
alike = {}
for name, scores in ways.items():
    orders = torch.argsort(scores, dim=1, descending=True)
    alike[name] = spearmanr(*scores.double().numpy()).statistic
    same = (orders[0] == orders[1]).float().mean().item()
    print(f"{name:20} rank correlation {alike[name]:.2f}, same place {same:.0%}")
assert alike["side by side"] > 0.9999 and alike["glued into one text"] > 0.8
assert abs(alike["multiplied"]) < 0.5
glue("alike_glued", alike["glued into one text"])
""")
md("""
With both texts side by side, the dense layer computes $w_q \\cdot \\bar q + w_v \\cdot \\bar v + b$. The first part is the same for all items, the second the same for all queries: *everybody gets one and the same list*, whatever is learned. Glued into one text it is hardly better (rank correlation 0.95<!-- alike_glued:.2f -->): a mean of token vectors times weights is a mean of one number a token, and a word of the query can raise all items or lower all items, never the ones that suit it. (Article 003's regression has the same flaw, in [Ratings](ratings.ipynb).)

A score that depends on the *pair* needs a product of the two sides. The smallest repair multiplies the two means, number by number, before the dense layer: $s = w \\cdot (\\bar q \\odot \\bar v) + b$. With all $w$ equal to 1 this is the dot product, so the repaired network is a cosine-like score that may learn its own table of token vectors. That is `PairScorer`.

**By hand.** One pair with $y = 1$, forward, backward, and a step of gradient descent. The cross-entropy's slope $p - y$ goes back through the dense layer to both means, and each mean shares it among its tokens; a token that occurs twice gets two shares.
""")
code("""
torch.manual_seed(1)
network = PairScorer(vocab_size=6, size=2).double()
E, w = network.embedding.weight.detach().numpy().copy(), np.zeros(2)
w[:] = network.dense.weight.detach().numpy()
b, query, item, rate = network.dense.bias.item(), [1, 2, 2], [3, 4], 0.5

q, v = E[query].mean(axis=0), E[item].mean(axis=0)  # average pooling
p = sigmoid(w @ (q * v) + b)  # dense
slope = p - 1
stepped = E.copy()
np.add.at(stepped, query, -rate * slope * w * v / len(query))
np.add.at(stepped, item, -rate * slope * w * q / len(item))

optimizer = torch.optim.SGD(network.parameters(), lr=rate)
logit = network(torch.tensor([query]), torch.tensor([item]))
loss = nn.functional.binary_cross_entropy_with_logits
loss(logit, torch.ones(1, dtype=torch.float64)).backward()
optimizer.step()
np.testing.assert_allclose(network.embedding.weight.detach(), stepped)
new = w - rate * slope * q * v
np.testing.assert_allclose(network.dense.weight.detach()[0], new)
after = torch.sigmoid(network(torch.tensor([query]), torch.tensor([item])))
print(f"relevant with p = {p:.3f}, after one step {after.item():.3f}")
assert after.item() > p
""")
md("""
## Trained on fifty queries, it learns them by heart

The shelf's development half holds 50<!-- n_dev --> queries, each in two languages, with 1,037<!-- n_graded:, --> graded items; a grade of 2 or 3 counts as relevant here, and as many items without a grade are drawn as the others. A fifth of these queries does not teach. It says when to stop: the weights are kept that served it best. The test half is looked at once, at the end. All this is done five times, with other draws (`python -m tokrec.stored matching_small`).

<!-- constants: 2 3 -->
""")
code(
    """
def mean_curve(name, key):
    runs = [pd.DataFrame(run).set_index("step") for run in results[name]["curves"]]
    return pd.concat([run[key] for run in runs], axis=1).mean(axis=1)


level = mean_curve("projection", "quality").iloc[0]
figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True)
shown = {"pair scorer": "Article 000's network", "last layer": "The encoder's last layer"}
for axes, (name, title) in zip(panels, shown.items()):
    axes.plot(mean_curve(name, "learnt"), "--", label="queries that teach")
    axes.plot(mean_curve(name, "quality"), label="queries that do not")
    axes.axhline(level, color="#5a6b7b", linestyle=":", label="frozen encoder")
    axes.set(xlabel="step", title=title)
panels[0].set_ylabel("NDCG@10, development half")
panels[0].legend(loc="upper left", fontsize=8, bbox_to_anchor=(0, 0.93))
plt.show()
dev = queries.index[queries["half"] == "dev"]
glue("n_dev", len(dev))
glue("n_graded", int(shelf.relevance["query_id"].isin(dev).sum()))
learnt, unseen = (mean_curve("pair scorer", k) for k in ("learnt", "quality"))
glue("by_heart", learnt.iloc[-1])
glue("not_by_heart", unseen.iloc[-1])
assert learnt.iloc[-1] > 2 * unseen.iloc[-1] and unseen.max() < level
""",
    alt="Two panels with NDCG over training steps. Left, the article's network: on the queries that teach it climbs high, on the others it stays low, far below the dotted line of the frozen encoder. Right, the encoder's last layer: the first rises, the second does not.",
    caption="Learning by heart: mean of five runs. The dotted line is the frozen encoder on the queries that do not teach.",
    name="fig-matching-curves",
)
md("""
On the left the network reaches NDCG@10 0.60<!-- by_heart:.2f --> on the queries that teach it, and 0.10<!-- not_by_heart:.2f --> on those that do not: overfitting (过拟合). Nobody could do better with this network. Its table has a row for each of 16,384<!-- vocabulary:, --> tokens, and a token that occurs in no development query or graded item keeps the random row with which it began. *The repaired network is right; the words are missing.* On the right the same happens to a network that begins with all its words.

<details>
<summary>Quick question: a training/validation split was made here. Did it prevent overfitting, as article 003 (§5.2.4) says?</summary>

No. It *shows* it: without the solid line one would have believed the dashed one. What limits the damage is stopping where the solid line is highest, and beginning from weights that know the language.

</details>
""")
code("""
glue("vocabulary", tokenizer.get_vocab_size())
asked = queries.loc[dev, ["text_en", "text_zh"]].to_numpy().ravel().tolist()
known = set(to_ids(asked).unique().tolist())
test = queries.index[queries["half"] == "test"]
news = queries.loc[test, ["text_en", "text_zh"]].to_numpy().ravel().tolist()
tokens = [t for row in tokenizer.encode_batch(news) for t in row.ids[1:-1]]
fresh = np.mean([token not in known for token in tokens])
print(f"{fresh:.0%} of the test queries' tokens stand in no development query")
assert fresh > 0.25
glue("fresh", fresh)
""")
md(
    """
Of the tokens of the test queries, 40%<!-- fresh:.0% --> stand in no development query at all. So whatever is to help must come from somewhere else: from a model that has read more.

## Five ways to learn from little

1. **A head on frozen features.** The encoder stays as it is; a few weights above it learn. Here two: how much the encoder's cosine counts, and how much TF-IDF's.
2. **Two towers.** One linear map for queries, one for items, over the frozen vectors; the dot product of both is the score ([Huang et al. 2013](../book/references.md#huang-et-al-2013)). What is not the answer to one query is taken from the answers of the others: in-batch negatives (批内负样本).
3. **Fine-tuning** a part of the encoder. The items' vectors stay where they are, and only the query's side learns, so that no index has to be built anew ([Lewis et al. 2020](../book/references.md#lewis-et-al-2020) do the same). What learns is the weight of each token in the mean, or the projection, or the last layer, or **low-rank updates** beside it: $W x + U D x$ with narrow $U$ and $D$ ([Hu et al. 2022](../book/references.md#hu-et-al-2022)).
4. **A cross-encoder.** Query and item are read as one text, `[CLS] query [SEP] item [SEP]`, so that each word of one sees each word of the other ([Nogueira and Cho 2019](../book/references.md#nogueira-and-cho-2019)). It must run once for each pair; here it moves only the first ten of the frozen encoder's items.
5. **Other queries.** Every item carries texts that could have been a query for it: its labels, its first sentence. They need no judge. A score on judged queries that was learned from them is a result of its own kind, and it is listed apart.

All but the second and the last are trained with the same loss: the softmax over all items should give each of them its share of the grades.

<!-- constants: -->
""".replace("\n<!-- constants: -->\n", "")
)
code("""
from tokrec.recommend.networks import softmax_loss
from tokrec.recommend.query_tower import PARTS, QueryTower

scores = np.array([[2.0, 0.5, 1.0], [0.0, 1.5, 0.5], [1.0, 0.0, 1.2]])
wanted = np.eye(3)  # each query has one item in the batch
log_q = np.log([0.5, 0.2, 0.1])  # how often each item is in a batch
also = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]], bool)  # a false negative

corrected = np.where(also, -np.inf, scores - log_q)
share = np.exp(corrected)
share /= share.sum(axis=1, keepdims=True)
by_hand = -np.log(np.diag(share)).mean()
slope = (share - wanted) / 3

tensor = torch.tensor(scores, requires_grad=True)
parts = (torch.tensor(part) for part in (wanted, log_q, also))
loss = softmax_loss(tensor, *parts)
loss.backward()
np.testing.assert_allclose(loss.item(), by_hand)
np.testing.assert_allclose(tensor.grad, slope, atol=1e-12)
plain = nn.functional.cross_entropy(torch.tensor(scores), torch.arange(3))
without = softmax_loss(torch.tensor(scores), torch.tensor(wanted))
np.testing.assert_allclose(without, plain)
print("slope of the loss by each score:", slope.round(2) + 0.0, sep="\\n")
""")
md("""
In each row the slopes add up to 0: the query's own item is pulled up, the others are pushed down by their share. The first row's third item is also a good answer; it is masked and its slope is 0. (`log_q` comes up below.) By hand, in `tokrec` and in PyTorch's `cross_entropy` the numbers agree.

How many weights learn in each way?
""")
code("""
encoder = tokrec.load_encoder(device="cpu")
rows = {"head": 2, "two towers": 2 * encoder.dimension**2}
for part in PARTS:
    tower = QueryTower(encoder, part)
    learning = [w.numel() for w in tower.parameters() if w.requires_grad]
    rows[part] = sum(learning)
rows["pair scorer"] = sum(w.numel() for w in scorer.parameters())
numbers = pd.Series(rows, name="weights that learn").sort_values()
graded = shelf.relevance["query_id"].isin(dev).sum()
glue("ratio", numbers["last layer"] / graded)
numbers.to_frame().style.format("{:,}")
""")
md("""
Against 1,037<!-- n_graded:, --> graded pairs even the smallest of the encoder's parts is large; the last layer has 1,800<!-- ratio:,.0f --> weights for each of them. What saves such a training, if anything does, is where it begins and when it stops.
""")
code("""
order = [
    "TF-IDF", "pair scorer", "two towers", "two towers, masked",
    *PARTS, "cross-encoder", *(f"{part}, own texts" for part in PARTS),
    "encoder + TF-IDF", "head",
]
rows = []
for name in order:
    for language in ("en", "zh"):
        own, base = (np.array(results[n][language]) for n in (name, "frozen encoder"))
        spread = np.std(np.array(results[name]["seeds"])[:, language == "zh"])
        rows.append((name, language, own.mean(), spread, *paired_difference(own, base)))
columns = ["method", "language", "NDCG@10", "seeds", "difference", "low", "high"]
table = pd.DataFrame(rows, columns=columns).set_index(["method", "language"])
base = {code: np.mean(results["frozen encoder"][code]) for code in ("en", "zh")}
print("frozen encoder:", ", ".join(f"{k} {v:.3f}" for k, v in base.items()))
table.round(3)
""")
code(
    """
figure, axes = plt.subplots(figsize=(7.6, 6.4))
for language, shift, marker, colour in (("en", 0.16, "o", 0), ("zh", -0.16, "s", 4)):
    part = table.xs(language, level="language").loc[order]
    ends = part[["low", "high"]].sub(part["difference"], axis=0).abs().T
    places = np.arange(len(order)) + shift
    name = {"en": "English queries", "zh": "Chinese queries"}[language]
    style = {"fmt": marker, "color": plot.PALETTE[colour], "capsize": 3}
    axes.errorbar(part["difference"], places, xerr=ends.to_numpy(), label=name, **style)
axes.axvline(0, color="black", linewidth=0.8)
axes.set(yticks=range(len(order)), yticklabels=order, xlabel="NDCG@10 − frozen encoder's")
axes.set(title="What was learned, on 48 test queries", xlim=(-0.48, 0.16))
axes.legend(loc="lower left")
plt.show()
""",
    tags=["hide-input"],
    alt="Differences in NDCG@10 from the frozen encoder with 95 % intervals, English and Chinese, for fifteen methods. The article's network and TF-IDF lie far to the left, most fine-tunings around zero, the head and the sum of encoder and TF-IDF to the right.",
    caption="Difference from the frozen encoder, paired over the test queries, with 95 % intervals.",
    name="fig-matching-all",
)
md("RESULT-PROSE")

md("""
**What false negatives do.** Two towers take one answer of each query, and all other answers in the batch are its negatives. On the shelf many of them are answers to this query too: both languages of a query are in the batch, and the domains are few.
""")
code("""
from tokrec.ladders.judged import judged

data, rng = judged(), np.random.default_rng(0)
learn, _ = data.parts(seed=0)
shares, hit = [], []
for _ in range(50):
    drawn = [rng.choice(len(g), p=g / g.sum()) for g in data.grades[learn]]
    batch = np.unique(drawn)
    others = batch[None, :] != np.array(drawn)[:, None]
    false = others & (data.grades[learn][:, batch] > 0)
    shares.append(false.sum() / others.sum())
    hit.append(false.any(axis=1).mean())
print(f"false negatives: {np.mean(shares):.1%} of all negatives,")
print(f"and at least one for {np.mean(hit):.0%} of the queries")
assert np.mean(hit) > 0.5
glue("false", np.mean(shares))
glue("hit", np.mean(hit))
masked = [
    paired_difference(*(np.array(results[name][code]) for name in both))
    for code in ("en", "zh")
    for both in [("two towers, masked", "two towers")]
]
for code, found in zip(("en", "zh"), masked):
    glue(f"masked_{code}", "{:+.3f} [{:+.3f}, {:+.3f}]".format(*found))
""")
md("MASK-PROSE")
md("""
## Two towers for readers

The same idea with a history (历史) in the query's place. One tower turns what a reader liked into a vector, the other an item's text; both are trained on MovieLens, where there are not a hundred queries but tens of thousands of likes. In each step some likes of each reader are hidden and are to be found again among all that was hidden ([Covington et al. 2016](../book/references.md#covington-et-al-2016) built YouTube's candidates so). Because the item tower reads *text alone*, an item that nobody has rated has its place in the same space. Nothing has to be added for cold items.

**The logQ correction.** Popular items are in more batches, so they are pushed down more often as somebody else's item. The softmax over a batch learns $s = \\log p(i \\mid u) - \\log q(i)$ with $q(i)$ the probability of being in the batch: how much more than usual this reader likes the item. Subtract $\\log q(i)$ from the scores *during training*, and $s$ becomes $\\log p(i \\mid u)$ itself, fame included ([Yi et al. 2019](../book/references.md#yi-et-al-2019)). Exercise 4 derives it on five items.
""")
code("""
films = stored("matching_films")
ndcg = {name: np.array(values) for name, values in films["ndcg"].items()}
rows = {}
for name, values in ndcg.items():
    low, high = bootstrap_interval(values)
    apart = paired_difference(values, ndcg["kernel ridge"])
    folds = films["folds"][name]
    rows[name] = values.mean(), low, high, min(folds), max(folds), *apart
columns = ["NDCG@10", "low", "high", "worst fold", "best fold"]
columns += ["− kernel ridge", "low ", "high "]
cold = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
cold.round(3)
""")
code("FILMS-ASSERTS")
md("FILMS-PROSE")
md("""
**A book arrives.** The same on the shelf, in the notebook: *Death's End* (死神永生, the third part of *The Three-Body Problem*) is taken out, the towers are trained on the simulated readers, and then the book is added. Nothing is trained anew. Where does it stand for somebody who liked the first part?
""")
code("""
from tokrec.recommend import TwoTowerRecommender

new = items.loc[["book-deaths-end"]]
old = items.drop(index=new.index)
readers = shelf.interactions
readers = readers[readers["item_id"].isin(old.index)]
towers = TwoTowerRecommender(steps=200).fit(readers, old)
towers.add_items(new)
liked = ["book-three-body-problem"]
found = towers.recommend(history=liked, k=len(items))
place = found.set_index("item_id").loc[new.index[0], "rank"]
other = towers.recommend(history=["film-la-la-land"], k=len(items))
elsewhere = other.set_index("item_id").loc[new.index[0], "rank"]
print(f"place {place} of {len(found)} for a reader of the first part,")
print(f"place {elsewhere} for somebody who liked La La Land")
assert place < elsewhere
glue("place", int(place))
glue("elsewhere", int(elsewhere))
found.head(5).assign(title=lambda t: items["title_en"][t["item_id"]].to_numpy())
""")
md("ARRIVES-PROSE")
md("IN-SHORT")
md("""
## Exercises

### Exercise 1

*Predict.* The scores of a frozen encoder are cosines between about 0 and 0.7. Before the softmax they are divided by a temperature of 0.05. What would the softmax over all items look like with the temperature 1? Compute for one query which share the best item gets and how many items share half of everything, for 1, 0.2, 0.05 and 0.01.

<!-- constants: 0.7 0.05 0.2 0.01 -->
""")
code(
    """
cosines = data.asked[0] @ data.vectors.T
for temperature in (1, 0.2, 0.05, 0.01):
    share = np.exp((cosines - cosines.max()) / temperature)
    share = np.sort(share / share.sum())[::-1]
    half = int(np.searchsorted(share.cumsum(), 0.5)) + 1
    print(f"{temperature:4}: best item {share[0]:.1%}, half in {half} items")
flat = np.exp(cosines) / np.exp(cosines).sum()
assert flat.max() < 3 / len(items)
""",
    tags=["hide-cell"],
)
md("""
<details>
<summary>Answer</summary>

With the temperature 1 it is nearly flat: cosines differ too little, so that a wrong item is pushed as gently as a right one, and the loss hardly moves. A very low temperature looks at the best item alone.

</details>

### Exercise 2

*Change.* The head of the chapter has two weights, and the order of the items depends only on their ratio. Try TF-IDF weights from 0 to 4 against an encoder's weight of 1, and draw NDCG@10 of the development half and of the test half in one figure. What does the ratio that the development half likes best cost on the test half?

<!-- constants: 4 -->
""")
code(
    """
from tokrec.ladders.matching import all_counted

meaning, counted = data.asked @ data.vectors.T, all_counted()
ratios = np.linspace(0, 4, 17)
curves = {}
for half in ("dev", "test"):
    rows = data.rows(half)
    curves[half] = [
        data.ndcg(meaning[rows] + r * counted[rows], rows).mean() for r in ratios
    ]
figure, axes = plt.subplots(figsize=(6, 3.2))
for (half, curve), style in zip(curves.items(), ("--", "-")):
    axes.plot(ratios, curve, style, label=half)
axes.set(xlabel="weight of TF-IDF", ylabel="NDCG@10")
axes.legend()
plt.show()
best = int(np.argmax(curves["dev"]))
lost = max(curves["test"]) - curves["test"][best]
print(f"ratio {ratios[best]:.2f}; the test half's own best is {lost:.3f} higher")
assert lost < 0.02
""",
    tags=["hide-cell"],
    alt="NDCG@10 of the development and the test half over the weight of TF-IDF from 0 to 4: both rise at first and fall later.",
)
md("""
### Exercise 3

*Extend.* A pair scorer that begins with words: put the encoder's own token table (`encoder.model.embeddings["word_embeddings"]`, 384 numbers a token) in the place of the random one, and all dense weights at 1. Before any training: what NDCG@10 does it reach on the test half with normalised means? Is the table of words all that the encoder has?

<!-- constants: 384 -->
""")
code(
    """
from sklearn.preprocessing import normalize

from tokrec.text import item_texts

words = encoder.model.embeddings["word_embeddings"].weight.detach()
begun = PairScorer(len(words), words.shape[1])
begun.embedding.weight.data = words.clone()
begun.embedding.weight.data[0] = 0
with torch.no_grad():
    texts = item_texts(items, labels=True)
    sides = begun.pool(to_ids(data.texts)), begun.pool(to_ids(texts))
q, v = (normalize(side.numpy() - side.numpy().mean(axis=0)) for side in sides)
rows = data.rows("test")
reached = data.ndcg(q[rows] @ v.T, rows).mean()
whole = data.ndcg(meaning[rows], rows).mean()
print(f"words alone {reached:.3f}, the whole encoder {whole:.3f}")
assert reached < whole
""",
    tags=["hide-cell"],
)
md("""
<details>
<summary>Answer</summary>

The table alone is already far better than the trained network of the article, and the layers above it add the rest. Words came first; pairs can only move them.

</details>

### Exercise 4

*Hard.* Five items are liked with the probabilities $p$, the same for everybody, and drawn into batches of three by popularity. Train five free scores with the softmax over the batch, once without and once with the logQ correction. To what do they converge?
""")
code(
    """
p = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
rng, ends = np.random.default_rng(0), {}
for corrected in (False, True):
    free = torch.zeros(5, requires_grad=True)
    optimizer = torch.optim.Adam([free], lr=0.02)
    for _ in range(1500):
        # 32 batches: the first item is the liked one, two others are drawn
        batch = torch.from_numpy(rng.choice(5, (32, 3), p=p))
        scores = free[batch]
        if corrected:
            scores = scores - torch.log(torch.tensor(p)).float()[batch]
        aim = torch.zeros(32, dtype=torch.long)
        loss = nn.functional.cross_entropy(scores, aim)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ends[corrected] = (free - free.mean()).detach().numpy()
    print("with logQ:" if corrected else "without: ", ends[corrected].round(2))
aim = np.log(p) - np.log(p).mean()
print("log p:    ", aim.round(2))
np.testing.assert_allclose(ends[True], aim, atol=0.25)
assert np.abs(ends[False]).max() < 0.25
""",
    tags=["hide-cell"],
)
md("""
<details>
<summary>Answer</summary>

Without the correction all five end alike: each item is liked as often as it is drawn as a negative, and nothing is left to learn, since $\\log p(i) - \\log q(i) = 0$. With it they end at $\\log p(i)$: popularity has come back.

</details>
""")
notebook = new_notebook(cells=cells)
import sys

nbformat.write(notebook, sys.argv[1])
print(len(cells))
