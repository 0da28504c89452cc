import nbformat, sys
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


md(r"""
# Sequences and attention

Article 004 (§4, §5.2) reads what a user has done as a sequence (序列): embedding, LSTM, a score. Attention is said to find what matters in it. The last chapters threw the order away; EASE and kernel ridge regression know *what* somebody liked, not *when*. Is there something in the order, and do the networks that read it find it?

## What you'll learn

- a step of an LSTM and a head of attention by hand, mask and padding included;
- what article 004's listing computes for its "new user", and how to build a network that scores a history *and* a candidate;
- GRU4Rec and SASRec beside popularity, a Markov chain and EASE, under two cuts in time that tell different stories;
- what an item is to such a network: an id, an id that begins at its text, or its text alone;
- to join a history, a wish and structured attributes (price, year, kind, maker) into one score, and to write 性价比高 ("good value for money") as a number.

**What you need**

- attention and masks ([BERT features](bert_features.ipynb)), softmax losses ([Learned matching](matching.ipynb)), EASE and the Markov chain ([Collaborative filtering](collaborative.ipynb)), the two cuts in time ([Evaluation](evaluation.ipynb)).
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
from torch import nn

import tokrec
from tokrec import plot
from tokrec.evaluate import warm_split
from tokrec.stored import glue, stored

plot.use_style()
torch.set_num_threads(1)
ratings, films = tokrec.load_movielens()
train, test = warm_split(ratings)
liked = train[train["rating"] >= 4]
last = liked.groupby("user_id")["timestamp"].max()
gap = (test["timestamp"] - test["user_id"].map(last)).dropna() / 60
reader = liked[liked["user_id"] == gap.index.size % 7 + 1].tail(6)
within = (gap <= 60).mean()
glue("within", within)
print(f"{within:.0%} of what is to be found came within an hour")
reader = ratings[ratings["user_id"] == 1].sort_values("timestamp").head(6)
shown = reader.assign(title=films["title"][reader["item_id"]].to_numpy())
moment = pd.to_datetime(shown["timestamp"], unit="s").dt.strftime("%H:%M:%S")
shown.assign(time=moment)[["time", "title", "rating"]]
""")
md(r"""
Six films in a few minutes: this is no evening at the cinema. People came to MovieLens, were shown lists, and rated what they had seen some time in their lives. Of the likes that the usual test looks for, 53%<!-- within:.0% --> were given within an hour of the last like that a method may learn from. "What comes next" means here: what stands next in the site's list. Keep that in mind; it will explain the tables below.
""")
code(
    """
figure, axes = plt.subplots(figsize=(6.6, 3.2))
edges = np.logspace(-1, 7, 40)
axes.hist(gap.clip(lower=0.1), bins=edges, color=plot.PALETTE[0])
axes.axvline(60, color=plot.PALETTE[4])
axes.text(75, axes.get_ylim()[1] * 0.9, "an hour", color=plot.PALETTE[4])
axes.set(xscale="log", xlabel="minutes after the last like of the training part")
axes.set(ylabel="likes to be found", title="When the answers came")
plt.show()
assert 0.45 < within < 0.6
""",
    alt="Histogram of the minutes between the last training like and each test like on a logarithmic axis; more than half lie before the line at one hour.",
    caption="Time between the last like that is learned from and each like that is to be found, MovieLens, each reader's last fifth.",
    name="fig-sequences-gap",
)
md(r"""
## A step of an LSTM, by hand

A recurrent network reads one item after the other and keeps a state. The LSTM (long short-term memory, 长短期记忆网络; [Hochreiter and Schmidhuber 1997](../book/references.md#hochreiter-and-schmidhuber-1997)) keeps two: a memory $c$ and what it shows of it, $h$. From the new input $x$ and the last $h$ it computes three gates between 0 and 1, input $i$, forget $f$ and output $o$, and a proposal $g$:

$$i, f, o = \sigma(W x + U h + b), \qquad g = \tanh(W_g x + U_g h + b_g), \qquad c' = f \odot c + i \odot g, \qquad h' = o \odot \tanh(c') .$$

The memory is forgotten by $f$ and filled by $i$. Because $c'$ is a *sum*, the slope of a late loss reaches early inputs through $f$ alone, without passing a squashing function each time.
""")
code("""
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


torch.manual_seed(0)
cell = nn.LSTMCell(3, 2).double()
W, U, b_x, b_h = (weights.detach().numpy() for weights in cell.parameters())
history = np.random.default_rng(0).normal(size=(4, 3))  # four items
h, c = np.zeros(2), np.zeros(2)
for x in history:
    i, f, g, o = np.split(W @ x + U @ h + b_x + b_h, 4)  # PyTorch's order
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)

state = None
for x in torch.tensor(history):
    state = cell(x[None], state)
np.testing.assert_allclose(state[0][0].detach(), h)
np.testing.assert_allclose(state[1][0].detach(), c)
print("state after four items, by hand and by PyTorch:", h.round(3))
""")
md(r"""
## A head of attention, by hand

Attention has no state that is carried along. Each place asks all places that it may see, with a query $q$; their keys $k$ answer; the softmax of $q \cdot k / \sqrt d$ says how much of each value $v$ is taken. A history adds two rules. *Causal*: a place sees itself and what came before, or it would see the answer. *Padding*: short histories are filled up to a rectangle, and what fills them must not be seen.
""")
code("""
rng, d = np.random.default_rng(1), 4
x = rng.normal(size=(5, d))
x[4] = 99.0  # padding, behind four items
W_q, W_k, W_v = rng.normal(size=(3, d, d)) / 2
q, k, v = x @ W_q, x @ W_k, x @ W_v
may_see = np.tri(5, dtype=bool) & np.array([1, 1, 1, 1, 0], bool)
scores = np.where(may_see, q @ k.T / np.sqrt(d), -np.inf)
share = np.exp(scores - scores.max(axis=1, keepdims=True))
share /= share.sum(axis=1, keepdims=True)
mixed = share @ v

by_torch = nn.functional.scaled_dot_product_attention(
    *(torch.tensor(part) for part in (q, k, v)), attn_mask=torch.tensor(may_see)
)
np.testing.assert_allclose(by_torch, mixed)
assert (share[:, 4] == 0).all() and (np.triu(share, 1) == 0).all()
heads = nn.MultiheadAttention(d, 1, bias=False, batch_first=True).double()
heads.in_proj_weight.data = torch.tensor(np.hstack([W_q, W_k, W_v]).T)
heads.out_proj.weight.data = torch.eye(d, dtype=torch.float64)
hidden = torch.tensor(~may_see)
whole, shares = heads(*[torch.tensor(x)[None]] * 3, attn_mask=hidden)
np.testing.assert_allclose(whole[0].detach(), mixed)
np.testing.assert_allclose(shares[0].detach(), share)
""")
code(
    """
figure, axes = plt.subplots(figsize=(4.6, 3.6))
image = axes.imshow(np.where(may_see, share, np.nan), cmap="cividis", vmin=0)
names = ["item 1", "item 2", "item 3", "item 4", "padding"]
axes.set_xticks(range(5), names, rotation=30, ha="right")
axes.set_yticks(range(5), names)
axes.set(xlabel="is seen", ylabel="sees", title="Share of each place")
axes.grid(False)
figure.colorbar(image, ax=axes)
plt.show()
""",
    tags=["hide-input"],
    alt="A lower triangle of shares: each of four items attends to itself and earlier items, the column of padding is empty.",
    caption="Attention with a causal mask and padding. White: must not be seen.",
    name="fig-sequences-attention",
)
md(r"""
By hand, by PyTorch's function and by its layer the numbers agree. Padding was filled with 99 on purpose: if a mask were wrong, one would notice.

<!-- constants: 99 -->

<details>
<summary>Quick question: `tokrec`'s networks put the padding behind the history and use the causal mask alone. Why is no padding mask needed?</summary>

No real item sees anything behind itself, so no real item sees padding. What the padded places compute is thrown away.

</details>

## Article 004's listing

The listing (§5.2) tokenises what users wrote, sends it through an embedding and an LSTM into one sigmoid, is fitted to ratings, and is then asked about a "new user" who writes 我最近在寻找一款性价比高的智能手机 ("I have been looking for a smartphone that is good value for money lately"). The printed 0.9 is taken for the user's quality. Setting aside that it does not run ([errata](../book/errata.md)): the number depends on a sentence and on no item. It can be a mood, not a recommendation. For a recommendation, a candidate has to go in:

$$s(\text{history}, i) = h(\text{history}) \cdot e_i + b_i .$$

The cell builds both, untrained, and asks each about three phones.

<!-- constants: 0.9 -->
""")
code("""
from tokrec.tokens import load_tokenizer

shelf = tokrec.load_shelf()
items = shelf.items
sentence = "我最近在寻找一款性价比高的智能手机"
ids = torch.tensor([load_tokenizer().encode(sentence).ids[1:-1]])
phones = ["phone-daily-9", "phone-prism-ultra", "phone-daily-3"]
places = torch.from_numpy(items.index.get_indexer(phones))

torch.manual_seed(0)
words = nn.Embedding(load_tokenizer().get_vocab_size(), 32)
lstm, dense = nn.LSTM(32, 32, batch_first=True), nn.Linear(32, 1)
table = nn.Embedding(len(items), 32)
_, (state, _) = lstm(words(ids))
mood = torch.sigmoid(dense(state[0])).item()  # the article's
scores = (state[0] @ table.weight[places].T)[0]  # with a candidate
rows = {"article 004": [mood] * 3, "history and candidate": scores.tolist()}
names = items.loc[phones, "title_en"]
pd.DataFrame(rows, index=names).T.round(3)
""")
md(
    r"""
The first row is one number three times: this network has no place where an item could make a difference. The second row differs from item to item, and training can give it a meaning.

## What comes next: a planted order

`SequenceRecommender` is that second network, trained on every place of every history at once: after each item, the softmax over *all* items should give its share to the one that came next ([Hidasi et al. 2016](../book/references.md#hidasi-et-al-2016) with a recurrent network, [Kang and McAuley 2018](../book/references.md#kang-and-mcauley-2018) with attention; both draw negatives, which at this size is not needed). First in a world where the order is all there is: readers walk round a circle of twelve items, each from a start of its own.

<!-- constants: -->
""".replace("\n<!-- constants: -->\n", "")
)
code("""
from tokrec.recommend import EaseRecommender, MarkovRecommender
from tokrec.recommend import SequenceRecommender

rng = np.random.default_rng(0)
walks = [
    (reader, f"stop {(start + step) % 12:02}", 5.0, step)
    for reader, start in enumerate(rng.integers(12, size=80))
    for step in range(8)
]
columns = ["user_id", "item_id", "rating", "timestamp"]
walks = pd.DataFrame(walks, columns=columns)
stops = pd.DataFrame({"title": sorted(walks["item_id"].unique())})
stops = stops.set_index("title", drop=False).rename_axis("item_id")
methods = {"EASE": EaseRecommender(penalty=1), "Markov": MarkovRecommender()}
for kind in ("recurrent", "attention"):
    methods[kind] = SequenceRecommender(kind, size=16, epochs=30)
answers = {}
for name, method in methods.items():
    method.fit(walks, stops)
    history = ["stop 04", "stop 05", "stop 06"]
    answers[name] = method.recommend(history=history, k=2)["item_id"].tolist()
    print(f"{name:10} after 04, 05, 06:", *answers[name])
for name in ("Markov", "recurrent", "attention"):
    assert answers[name][0] == "stop 07"
""")
md("PLANTED-PROSE")
md(r"""
## On MovieLens

Everything is ranked, nothing is sampled. All settings come from a cut *inside* the training part (`python -m tokrec.stored sequence_epochs`): the networks are trained for 5, 10, 20 and 40 epochs there, and what served best is kept.

<!-- constants: 5 10 20 40 -->
""")
code(
    """
epochs = stored("sequence_epochs")
figure, axes = plt.subplots(figsize=(6, 3.2))
for (name, part), style in zip(epochs.groupby("network"), ("o-", "s--")):
    axes.plot(part["epochs"], part["ndcg"], style, label=name)
axes.set(xlabel="epochs", ylabel="NDCG@10 inside the training part")
axes.set(title="Trained long enough?", xscale="log")
axes.set_xticks([5, 10, 20, 40], ["5", "10", "20", "40"])
axes.legend()
plt.show()
""",
    alt="NDCG at 10 inside the training part after 5, 10, 20 and 40 epochs for the recurrent and the attention network.",
    caption="Validation of the number of epochs.",
    name="fig-sequences-epochs",
)
code("""
tables = {name: stored(f"sequence_{name}") for name in ("warm", "rolling")}
columns = ["ndcg", "low", "high", "liked", "spread"]
columns += ["difference", "below", "above"]
both = {name: t.set_index("method")[columns] for name, t in tables.items()}
pd.concat(both).round(3)
""")
code("MOVIELENS-ASSERTS")
md("MOVIELENS-PROSE")
code(
    """
curve = stored("sequence_readers")
figure, axes = plt.subplots(figsize=(6, 3.4))
n = train["user_id"].nunique()
for (name, part), style in zip(curve.groupby("method"), ("o-", "s--")):
    error = [part["ndcg"] - part["low"], part["high"] - part["ndcg"]]
    x = part["share"] * n
    axes.errorbar(x, part["ndcg"], error, fmt=style, capsize=3, label=name)
axes.set(xlabel="readers to learn from", ylabel="NDCG@10, the same readers")
axes.set(xscale="log", title="Would more readers help?")
axes.set_xticks(curve["share"].unique() * n, (curve["share"].unique() * n).astype(int))
axes.legend()
plt.show()
""",
    alt="Learning curves of EASE and SASRec over the number of readers with intervals.",
    caption="The same test readers, with more and more readers to learn from.",
    name="fig-sequences-readers",
)
md("CURVE-PROSE")
md(r"""
## A history, a wish, and attributes: g(sequence, user, item)

Article 004 (§4.2, §4.3) wants a function $g$ that fuses the state of a sequence, features of the user and features of the item, by concatenation, weighted mean or attention, and gives brand, price and processor as examples of features. Here are four versions. Each part $p_k$ goes through its own linear map; then

- **concatenation** maps all parts together through a layer;
- a **weighted mean** (加权平均) has one weight a part, the same for everybody;
- a **gate** (门控) computes the weights from the parts;
- with **attention** the *item* asks the parts: $\sum_k \alpha_k(i)\, \langle v_i, p_k \rangle$ with $\alpha(i) = \mathrm{softmax}_k(\langle v_i, p_k \rangle / \sqrt d)$.

The attributes are numbers: the price, read off the text; the year; the kind; the maker. For a reader they are the mean over what was liked.
""")
code("""
from tokrec.features.attributes import attribute_table, value_for_money
from tokrec.recommend.fusion import HOWS, Fusion

attributes = attribute_table(items)
torch.manual_seed(0)
parts = [torch.randn(1, size) for size in (384, 384, attributes.shape[1])]
vectors = torch.randn(3, 384)
for how in HOWS:
    network = Fusion([part.shape[1] for part in parts], 384, how, size=8)
    found = network(parts, vectors)
    mapped = torch.stack([m(p) for m, p in zip(network.parts, parts)], dim=1)
    asked = network.items(vectors).T
    each = mapped @ asked
    if how == "concatenation":
        by_hand = network.together(torch.relu(mapped.flatten(1))) @ asked
    else:
        if how == "weighted mean":
            share = torch.softmax(network.weights, 0)[None, :, None]
        elif how == "gate":
            asks = network.together(mapped.flatten(1))
            share = torch.softmax(asks, dim=1)[:, :, None]
        else:
            share = torch.softmax(each / 8**0.5, dim=1)
        by_hand = (share * each).sum(dim=1)
    torch.testing.assert_close(found, by_hand)
    print(f"{how:14} {found[0].detach().numpy().round(2)}")
""")
md(r"""
Now on the shelf's readers. What they wish in words is not in the data, so a wish is simulated: one label of what they liked next, in Chinese or English, as if somebody had typed one word. It knows something about the answer, in every row alike. The history is the mean of the liked items' vectors, recent ones counting more. (`python -m tokrec.stored fusion`)
""")
code("""
fusion = stored("fusion")
fusion.set_index(["parts", "how"])[
    ["ndcg", "low", "high", "difference", "below", "above"]
].round(3)
""")
code("FUSION-ASSERTS")
md("FUSION-PROSE")
md(r"""
## 性价比高 as a number

"Good value for money" is no word of a description; it is a relation between two numbers. For each device with a stated price: how good are its reviews, how low is its price, both compared with others of its kind?

$$\text{value} = z(\text{stars}) - z(\log \text{price})$$

Few devices have more than two reviews, so each is given three of 3.5 stars on top.

<!-- constants: 3.5 -->
""")
code("""
value = value_for_money(items[items["domain"] == "devices"], shelf.reviews)
phone = items["kind"] == "phone"
order = value[items.index[phone].intersection(value.index)].dropna()
judged = shelf.relevance.set_index(["query_id", "item_id"])["relevance"]
grades = judged["q-article-9"].reindex(items.index, fill_value=0)
best = order.sort_values(ascending=False).head(5)
table = pd.DataFrame({"title": items["title_en"], "value": value})
table = table.assign(grade=grades).loc[best.index]
table
""")
code("VALUE")
md("VALUE-PROSE")
md("IN-SHORT")
md("EXERCISES")
notebook = new_notebook(cells=cells)
nbformat.write(notebook, sys.argv[1])
print(len(cells))
