import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

cells = []


def md(text):
    cells.append(new_markdown_cell(text.strip("\n")))


def code(text, alt=None, caption=None, name=None, tags=()):
    meta = {}
    if alt:
        meta["mystnb"] = {"image": {"alt": alt}} | ({"figure": {"caption": caption, "name": name}} if caption else {})
    if tags:
        meta["tags"] = list(tags)
    cells.append(new_code_cell(text.strip("\n"), metadata=meta))


def solution(text):
    code("# @title Solution\n" + text.strip("\n"), tags=["hide-cell"])


md(r"""
# Ratings: guessing stars, and why a good guess is no good list

Article 003 (§5.2) builds a recommender of books in three steps: vectors of reviews, a linear regression from the vectors to the stars, and a printed "accuracy". What would this recommender show you, and what your neighbour? And if we guess the stars far better than it does, do better lists follow?

## What you'll learn

- why one regression for everybody gives everybody the same list, and why the review of a purchase cannot help to choose it;
- to predict ratings (评分预测) by biases (偏置), by matrix factorisation (矩阵分解) and by a Gaussian process (高斯过程), each by hand first;
- to compare root mean squared errors (RMSE, 均方根误差) by an interval over readers, each step against the step below;
- that the method with the smallest error can make worse lists than counting.

**What you need**

- sentence vectors ([BERT features](bert_features.ipynb)), lists and NDCG ([A recommender, end to end](recommender.ipynb));
- `tokrec` and what it installs. The longest computations are stored.
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
from matplotlib import pyplot as plt

import tokrec
from tokrec import plot
from tokrec.evaluate import per_user, random_split, warm_split
from tokrec.evaluate.errors import rmse_interval
from tokrec.recommend.ratings import (
    BiasRegressor,
    FactorRegressor,
    GaussianProcessRegressor,
    TextRegression,
)
from tokrec.stored import glue, stored

plot.use_style()
pd.set_option("display.precision", 3)
shelf = tokrec.load_shelf()
items = shelf.items
train, test = random_split(shelf.interactions)
print(f"{len(train):,} ratings to learn from, {len(test):,} held out")
""")
code("""
article = TextRegression("linear").fit(train, items)
readers = train["user_id"].unique()
stars = article.predict_all(readers)  # one row a reader
best = np.argsort(-stars, axis=1, kind="stable")[:, :5]
titles = items["title_en"].to_numpy()
assert (stars == stars[0]).all()
glue("n_readers", len(readers))
films, about = tokrec.load_movielens()
on_films = TextRegression("linear", "tfidf").fit(films, about)
several = on_films.predict_all(films["user_id"].unique()[:50])
assert (several == several[0]).all()
pd.DataFrame(titles[best[:3]].T, columns=readers[:3], index=range(1, 6))
""")
md(r"""
Three readers, one list; and so for all 2,000<!-- n_readers:, --> readers of the shelf's simulated ratings, and for people who rate films on MovieLens. No setting can change it. The model is

$$\hat r_{ui} = w \cdot v_i + b, \qquad v_i \text{ the vector of item } i,$$

and $u$ stands on the left side only. The errata of the articles name this in one line; the rest of this chapter is about what belongs on the right side.

## The articles' regression by hand

Least squares is one line of NumPy. Scikit-learn's `LinearRegression` and `TextRegression` of `tokrec` find the same predictions. What the article prints as accuracy, `score`, is $R^2$: the share of the ratings' variance that the prediction takes away. (Its `mean_squared_error(..., squared=False)` is gone from scikit-learn; `root_mean_squared_error` took its place.)
""")
code("""
from sklearn.linear_model import LinearRegression

vectors = article.vectors_.astype(float)
at = items.index.get_indexer(train["item_id"])
r = train["rating"].to_numpy()
X = np.column_stack([vectors, np.ones(len(vectors))])
solution, *_ = np.linalg.lstsq(X[at], r, rcond=None)
by_sklearn = LinearRegression().fit(vectors[at], r).predict(vectors)
np.testing.assert_allclose(X @ solution, by_sklearn, atol=1e-6)
np.testing.assert_allclose(X @ solution, stars[0], atol=0.02)

asked = items.index.get_indexer(test["item_id"])
errors = (X @ solution)[asked] - test["rating"].to_numpy()
rmse = np.sqrt(np.mean(errors**2))
spread = np.sqrt(np.mean((r.mean() - test["rating"]) ** 2))
glue("r2", article.score(test))
glue("n_items", len(items))
np.testing.assert_allclose(article.score(test), 1 - (rmse / spread) ** 2, atol=1e-3)
print(f"RMSE {rmse:.3f} stars, of one number for all {spread:.3f}")
""")
md(r"""
On held-out ratings of the shelf $R^2$ is ?<!-- r2:.2f -->. Does the text say that much about how good an item is? A control: put vectors of *random numbers* in the text's place, as long as the others.

**Intervals.** One reader's ratings resemble each other, so that a thousand ratings by ten people say less than a thousand by a thousand. `rmse_interval` draws readers, each with all their ratings, 2,000 times. With `other=` it gives the difference of two errors over the same draws.

<!-- constants: 2,000 -->
""")
code("""
from sklearn.linear_model import Ridge

from tokrec.evaluate import cold_folds

drawn = np.random.default_rng(0).normal(size=vectors.shape)
chance = LinearRegression().fit(drawn[at], r).predict(drawn)[asked]
chance -= test["rating"].to_numpy()
gap = rmse_interval(errors, test["user_id"], chance)
print("text − random numbers: {:+.3f} [{:+.3f}, {:+.3f}]".format(*gap))
assert gap[2] > 0 and gap[1] < 0.02
glue("text_random", "{:+.3f} [{:+.3f}, {:+.3f}]".format(*gap))
""")
code("""
ratings, parts = shelf.interactions, []
penalties = (1, 10, 100, 1000)
for fold in cold_folds(items.index):
    new = ratings["item_id"].isin(fold)
    seen, asked_new = ratings[~new], ratings[new]
    x = vectors[items.index.get_indexer(seen["item_id"])]
    v = vectors[items.index.get_indexer(asked_new["item_id"])]
    part = {"one number": seen["rating"].mean()} | {
        f"text, penalty {p}": Ridge(p).fit(x, seen["rating"]).predict(v)
        for p in penalties
    }
    part = pd.DataFrame(part, asked_new["user_id"])
    parts.append(part.sub(asked_new["rating"].to_numpy(), axis=0))
hidden = pd.concat(parts)
mean, who = hidden["one number"], hidden.index
new_items = {}
for name in hidden:
    gap = rmse_interval(hidden[name], who, mean)
    new_items[name] = (*rmse_interval(hidden[name], who), *gap)
    assert gap[0] > -0.01
columns = ["RMSE", "low", "high", "less one number's", "d low", "d high"]
pd.DataFrame(new_items, index=columns).T
""")
md(r"""
The random numbers guess as well as the text (difference ?<!-- text_random --> stars). With several hundred numbers for each of 764<!-- n_items --> items, least squares needs no meaning: the vector serves as a *name*, by which the mean of the item's ratings is looked up. On new items, a fifth of them hidden at a time, a name is of no use, and there the regression is worse than one number for all, or with a strong penalty just as good. So the $R^2$ above measures that items were recognised, not that a text was understood.

## The review of the same purchase

The article's vectors are not those of descriptions. They are those of *reviews*: the text that somebody wrote after reading, with the stars beside it. The shelf has such reviews. We predict their stars from the review's own text, and from the item's description; items take turns in five folds, so that no item is in training and test at once, and a ridge penalty is chosen inside each training part. The control is the same regression on reviews that have been dealt out anew.
""")
code("""
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict

from tokrec.features.cache import cached
from tokrec.features.encoder import bundled_version, default_encoder

reviews = shelf.reviews
given, item = reviews["stars"].to_numpy(float), reviews["item_id"]
encode, texts = default_encoder().encode, reviews["text"].tolist()
own = cached(texts, encode, bundled_version())
dealt = own[np.random.default_rng(0).permutation(len(own))]
described = article.vectors_[items.index.get_indexer(item)]
inputs = {"own review": own, "description": described, "dealt": dealt}
rows, base = {}, given.mean() - given
split = {"groups": item, "cv": GroupKFold(5)}
for name, x in inputs.items():
    ridge = RidgeCV(np.logspace(-2, 3, 12))
    e = cross_val_predict(ridge, x, given, **split) - given
    rows[name] = (*rmse_interval(e, item), *rmse_interval(e, item, base))
leak = pd.DataFrame.from_dict(rows, "index", columns=columns)
leak
""")
code("""
assert leak.loc["own review", "d high"] < 0
assert leak.loc[["description", "dealt"], "d high"].min() > -0.01
gap = leak.loc["own review", columns[3:]]
glue("leak", "{:+.2f} [{:+.2f}, {:+.2f}]".format(*gap))
none = ~items.index.isin(item)
glue("without", int(none.sum()))
print(f"{none.sum()} of {len(items)} items have no review at all")
""")
md(r"""
The own review lowers the error by ?<!-- leak --> stars against one number for all; the description of the item, and reviews dealt out anew, do not lower it. The first number is real. It answers the question "what did this person just say?", which is [sentiment](../book/glossary.md) analysis. It cannot recommend: before you have read the book there is no review of yours, and the items that you have not had yet are the ones to choose from. A number that needs tomorrow's newspaper is called a leak (数据泄漏). From here on nothing is used that is written after the choice.

<details>
<summary>Quick question: would the reviews that <em>others</em> wrote of the book be a leak too?</summary>

No, if they were written before. They are text about the item like its description, and one vector an item again: the same list for everybody.

</details>

## What a star means

MovieLens holds 100,836<!-- n_ratings:, --> ratings by ?<!-- n_people --> people. Before guessing them, look at them.
""")
code(
    """
by_reader = films.groupby("user_id")["rating"]
means, sizes = by_reader.mean(), by_reader.size()
regular = means[sizes >= 100].sort_values()
three = regular.index[[0, len(regular) // 2, -1]]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.2))
grades = np.arange(0.5, 5.5, 0.5)
for reader, marker in zip(three, "o^s"):
    share = by_reader.get_group(reader).value_counts(normalize=True)
    share, name = share.reindex(grades, fill_value=0), means[reader]
    left.plot(grades, share, marker=marker, label=f"mean {name:.1f}")
left.set(title="Three readers", xlabel="stars", ylabel="share of ratings")
left.legend()
right.hist(means, np.arange(1, 5.1, 0.2), color=plot.PALETTE[5])
right.axvline(4, color=plot.PALETTE[4], ls="--", label="a rating of 4")
right.set(title="All readers", xlabel="mean of ratings", ylabel="readers")
right.legend(loc="upper left")
plt.show()
numbers = {"n_ratings": len(films), "n_people": len(means)}
numbers |= {"above": (means > 4).mean()}
numbers |= {"strict": regular.iloc[0], "generous": regular.iloc[-1]}
for name, value in numbers.items():
    glue(name, value)
""",
    alt="Left: shares of half-star grades of a strict, a middle and a generous reader, with peaks in different places. Right: histogram of the readers' mean ratings, from under 2 to 5, with a line at 4.",
    caption="The same star from different people. Left: three readers with at least 100 ratings each. Right: the mean ratings of all readers.",
    name="fig-ratings-stars",
)
md(r"""
Among those with at least 100 ratings, the strictest gives ?<!-- strict:.1f --> stars on average and the most generous ?<!-- generous:.1f -->. For ?<!-- above:.0% --> of the readers a film with 4 stars is a film *below* their average. A star is not a unit: what counts is how far a rating lies from what this reader usually gives and from what this film usually gets.

<!-- constants: 100 4 -->

## Biases

That sentence is a model,

$$\hat r_{ui} = \mu + b_u + b_i ,$$

and its parts are means ([Koren et al. 2009](../book/references.md#koren-et-al-2009)): $b_i$ is the mean of what readers and $\mu$ leave of the ratings of $i$, $b_u$ the same for readers, in turns until nothing moves. A film with a single rating should not jump to that rating, so each mean is *damped*: $b = \sum / (n + \lambda)$, as if $\lambda$ ratings of the usual kind had been seen before. By hand, on three readers and three films:
""")
code("""
toy = pd.DataFrame(
    [("ann", "A", 5), ("ann", "B", 4), ("bob", "A", 3), ("bob", "C", 1)]
    + [("cem", "B", 4), ("cem", "C", 3)],
    columns=["user_id", "item_id", "rating"],
).assign(timestamp=0)
toy_items = pd.DataFrame({"title": list("ABC")}, index=list("ABC"))
mu, damping = toy["rating"].mean(), 1
b_user, b_item = dict.fromkeys(["ann", "bob", "cem"], 0.0), {}
for _ in range(10):
    for i, of_item in toy.groupby("item_id"):
        left = of_item["rating"] - mu - of_item["user_id"].map(b_user)
        b_item[i] = left.sum() / (len(left) + damping)
    for u, of_user in toy.groupby("user_id"):
        left = of_user["rating"] - mu - of_user["item_id"].map(b_item)
        b_user[u] = left.sum() / (len(left) + damping)

ours = BiasRegressor(damping, damping).fit(toy, toy_items)
np.testing.assert_allclose(ours.item_bias_, list(b_item.values()))
np.testing.assert_allclose(ours.user_bias_[:-1], list(b_user.values()))
print({name: round(bias, 2) for name, bias in (b_user | b_item).items()})
""")
md(r"""
bob is strict and C is weak, and the model keeps the two apart although bob's lowest rating is that of C. With one $\lambda$ for both, damped means are a ridge regression on two one-hot vectors, who and what; scikit-learn's `Ridge` finds the same.
""")
code("""
from scipy.sparse import hstack
from sklearn.preprocessing import OneHotEncoder

columns_of = [["user_id"], ["item_id"]]
coders = [OneHotEncoder(handle_unknown="ignore") for _ in columns_of]
known = [c.fit_transform(train[n]) for c, n in zip(coders, columns_of)]
asking = [c.transform(test[n]) for c, n in zip(coders, columns_of)]
ridge = Ridge(alpha=5, fit_intercept=False, tol=1e-10)
ridge.fit(hstack(known).tocsr(), r - r.mean())
both = BiasRegressor(5, 5).fit(train, items)
theirs = r.mean() + ridge.predict(hstack(asking).tocsr())
found = both.predict(test)
np.testing.assert_allclose(np.clip(theirs, *both.scale_), found, atol=0.01)
e_bias = found - test["rating"].to_numpy()
gain = rmse_interval(e_bias, test["user_id"], errors)
print("biases − text, shelf: {:+.3f} [{:+.3f}, {:+.3f}]".format(*gain))
assert gain[2] < 0
glue("bias_text", "{:+.3f} [{:+.3f}, {:+.3f}]".format(*gain))
""")
md(r"""
## Factors

Biases move all films alike for a reader: the *order* of the list is still the same for everybody. What remains of the ratings, who likes this more than others do, is what **matrix factorisation** describes by a few numbers for each reader and film,

$$\hat r_{ui} = \mu + b_u + b_i + p_u \cdot q_i .$$

[Funk (2006)](../book/references.md#funk-2006) learned them one rating at a time: look at the error $e$, and move everything a little in the direction that makes it smaller, $p \mathrel{+}= \gamma\,(e\,q - \lambda p)$, $q \mathrel{+}= \gamma\,(e\,p - \lambda q)$, and the biases likewise. (Recommender people call it SVD; a singular value decomposition it is not, since the missing ratings are left out.) One step by hand, ann's 5 for A:
""")
code("""
start = FactorRegressor(factors=2, epochs=0).fit(toy, toy_items)
p, q = start.user_factors_[0], start.item_factors_[0]
rate, penalty = start.rate, start.penalty
e = 5 - (mu + 0 + 0 + p @ q)  # the biases start at 0
new_p = p + rate * (e * q - penalty * p)
new_q = q + rate * (e * p - penalty * q)
after = 5 - (mu + 2 * rate * e + new_p @ new_q)
print(f"error before {e:.3f}, after the step {after:.3f}")
assert abs(after) < abs(e)

model = FactorRegressor(factors=2, epochs=0).fit(toy, toy_items)
model._step(np.array([0]), np.array([0]), np.array([5.0]))
np.testing.assert_allclose(model.user_factors_[0], new_p)
np.testing.assert_allclose(model.item_factors_[0], new_q)
""")
md(r"""
`FactorRegressor` takes steps for ratings that share neither reader nor film at one stroke, which changes nothing but the time. In the tests of the package its steps are those of the library Surprise ([Hug 2020](../book/references.md#hug-2020)), to eight digits.

## A Gaussian process

Factors start from nothing: they do not know that two films are both westerns, or from one year. A **Gaussian process** starts from a statement of what resembles what. If ratings $r$ (less their mean) at some points have the covariance $K$, with noise of variance $\sigma^2$ on each, the best guess at another point is

$$\hat r_* = k_*^\top (K + \sigma^2 I)^{-1} r,$$

where $k_*$ holds the covariances of the new point with the known ones ([Rasmussen and Williams 2006](../book/references.md#rasmussen-and-williams-2006)). Take one reader of MovieLens, and let films resemble each other by year alone: $k(s, t) = a \exp(-(s - t)^2 / 2 \ell^2)$.

<!-- constants: 2 -->
""")
code("""
from sklearn.gaussian_process import GaussianProcessRegressor as Theirs
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

found = about["title"].str.extract(r"\\((\\d{4})\\)\\s*$")[0].astype(float)
reader = sizes[sizes.between(150, 200)].index[0]
mine = films[films["user_id"] == reader]
mine = mine.assign(year=mine["item_id"].map(found)).dropna()
y = (mine["rating"] - mine["rating"].mean()).to_numpy()
s, t = mine["year"].to_numpy(), np.arange(1930, 2019.0)
a, width, noise = 0.15, 8, 0.7


def k(one, two):
    return a * np.exp(-((one[:, None] - two) ** 2) / 2 / width**2)


inverse = np.linalg.inv(k(s, s) + noise * np.eye(len(s)))
guess = k(t, s) @ inverse @ y
spread = np.sqrt(a - np.einsum("ij,jk,ik->i", k(t, s), inverse, k(t, s)))
kernel = ConstantKernel(a) * RBF(width)
theirs = Theirs(kernel, alpha=noise, optimizer=None).fit(s[:, None], y)
m, deviation = theirs.predict(t[:, None], return_std=True)
np.testing.assert_allclose([m, deviation], [guess, spread], atol=1e-6)
""")
code(
    """
figure, axes = plt.subplots(figsize=(7, 3.4))
shake = np.random.default_rng(0).normal(0, 0.06, len(s))
style = {"ms": 4, "alpha": 0.5, "color": plot.PALETTE[1]}
axes.plot(s, y + shake, "o", label="ratings", **style)
axes.plot(t, guess, color=plot.PALETTE[0], label="best guess")
band = {"alpha": 0.25, "color": plot.PALETTE[0], "label": "± 2 deviations"}
axes.fill_between(t, guess - 2 * spread, guess + 2 * spread, **band)
axes.set(xlabel="year of the film", ylabel="stars above the reader's mean")
axes.legend(loc="lower left", ncols=3, fontsize=9)
plt.show()
""",
    alt="Scatter of one reader's ratings over the film's year, a smooth curve through them and a band that is narrow where there are many ratings and wide before 1950.",
    caption="A Gaussian process on one reader's ratings. Where there are ratings the band is narrow; where there are none the guess returns to the mean.",
    name="fig-ratings-process",
)
md(r"""
Nothing here had to be trained. And biases are the simplest case: let all films resemble each other with the same covariance $a$, and the best guess is the damped mean with $\lambda = \sigma^2 / a$. The next cell asserts it.

The whole process of `GaussianProcessRegressor` lives on *pairs* of a reader and an item. For each kind of feature $f$ (text, genre, year, how many rated the item, who did) it has three weights: how much likeness says for everybody, for the one reader, and for readers who choose alike ($s_{uv}$, from who rated what, not how):

$$\mathrm{cov}(r_{ui}, r_{vj}) = \sum_f \left(\alpha_f + \beta_f\,[u = v] + \gamma_f\, s_{uv}\right) \langle f_i, f_j \rangle .$$

Bias of a reader, bias of an item, a text taste of one's own, the neighbours: all are terms of one sum. With 80,000 ratings the matrix has 6.4 billion entries, and is never written down: conjugate gradients only need its product with a vector, which goes through the features.

<!-- constants: 80,000 6.4 -->
""")
code("""
own, noise = {"level": (0, 0.2, 0)}, 0.6
level = GaussianProcessRegressor(own, noise, tolerance=1e-8)
level.fit(train, items)
left = (train["rating"] - level.mean_).groupby(train["user_id"])
damped = left.sum() / (left.size() + noise / 0.2)
told = level.mean_ + damped.reindex(test["user_id"], fill_value=0)
told = np.clip(told, *level.scale_)
np.testing.assert_allclose(level.predict(test), told, atol=1e-4)

given, who = test["rating"].to_numpy(), test["user_id"]
process = GaussianProcessRegressor().fit(train, items).predict(test)
svd = FactorRegressor(20, epochs=30).fit(train, items).predict(test)
on_shelf = {"text": errors, "biases": e_bias}
on_shelf |= {"factors": svd - given, "process": process - given}
rows = {
    name: (*rmse_interval(e, who), *rmse_interval(e, who, e_bias))
    for name, e in on_shelf.items()
}
columns[3] = "less the biases'"
on_shelf = pd.DataFrame.from_dict(rows, "index", columns=columns)
assert (on_shelf.loc[["factors", "process"], "d low"] > 0).all()
on_shelf
""")
md(r"""
**On the shelf** nobody beats the biases; factors and the process are a little worse. The readers there are simulated: few ratings each, and what they like shows in *what* they choose more than in how many stars they give. So it takes real people to tell the methods apart.

## The ladder on MovieLens

Each step is fitted to the same ratings and judged on the same held-out ones, split in two ways: 20 % drawn at random, and the last 20 % of each reader's. Settings were sought among ratings that are in *both* training parts, split once more (`tokrec.ladders.rating_settings`). It takes minutes, so the tables are stored.

<!-- constants: 20 -->
""")
code("""
ladder = stored("ladder_ratings")
tries = {"biases": stored("settings_biases")}
tries |= {"factors": stored("settings_factors")}
tries |= {"process": stored("settings_gaussian")}
for name, tried in tries.items():
    kept = tried["setting"][tried["kept"]].tolist()
    print(f"{name}: {len(tried)} settings tried, kept: {kept}")
in_two = ladder["split"] != "one moment for all"
table = ladder[in_two].set_index(["split", "step"])
change = ["change", "change_low", "change_high"]
table[["rmse", "low", "high", "over", *change]]
""")
code(
    """
named = ["one number for all", "article: text, least squares"]
named += ["article: text, SGD", "biases", "factors (SVD)"]
named += ["process: biases alone", "+ text, genre, year"]
named += ["+ how many, who", "+ boosted trees", "knows the moment"]
splits = ["random", "each reader's last"]
names = dict(zip(table.loc["random"].index, named, strict=True))
figure, panels = plt.subplots(1, 2, figsize=(7.6, 4.2), sharey=True)
for axes, split in zip(panels, splits):
    part = table.loc[split].iloc[::-1]
    bars = part["rmse"] - part["low"], part["high"] - part["rmse"]
    colours = [plot.PALETTE[4]] + [plot.PALETTE[0]] * (len(part) - 1)
    style = {"fmt": "none", "capsize": 3, "ecolor": colours}
    axes.errorbar(part["rmse"], range(len(part)), xerr=bars, **style)
    axes.plot(part["rmse"].iloc[1:], range(1, len(part)), "o")
    style = {"mfc": "white", "color": plot.PALETTE[4]}
    axes.plot(part["rmse"].iloc[:1], [0], "s", **style)
    axes.set(title=split, xlabel="RMSE in stars")
panels[0].set_yticks(range(len(part)), named[::-1])
plt.show()
""",
    alt="Two panels of dots with intervals, errors from one number for all at the top down to boosted trees, falling from about 1.04 to 0.79 for the random split and from 1.07 to 0.83 for each reader's last ratings; a hollow square below shows the step that knows the moment.",
    caption="The ladder: error on held-out ratings of MovieLens with 95 % intervals over readers. The hollow square stands apart, since nobody knows the moment of a rating before it is given.",
    name="fig-ratings-ladder",
)
code("""
def told(row, to="change"):
    found = row[[to, f"{to}_low", f"{to}_high"]]
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*found)


steps = {"text": "text, least squares", "read": "process, text"}
steps |= {step: step for step in ("biases", "factors", "process")}
steps |= {"boosted": "boosted", "moment": "boosted, moment"}
for split, mark in zip(splits, "rt"):
    for short, step in steps.items():
        row = table.loc[(split, step)]
        glue(f"{short}-{mark}", row["rmse"])
        glue(f"{short}-change-{mark}", told(row))
        assert row["change_high"] < 0 or step == "factors"
    row = table.loc[(split, "boosted")]
    for rival in ("biases", "factors"):
        glue(f"boosted-{rival}-{mark}", told(row, rival))
        assert row[f"{rival}_high"] < 0
    by = table.loc[split]["rmse"]
    assert by["text, SGD"] > by["text, least squares"]
""")
md(r"""
What the steps add, random split first, each reader's last ratings second:

- The articles' regression: RMSE ?<!-- text-r:.3f --> and ?<!-- text-t:.3f -->, ?<!-- text-change-r --> against one number for all. With `SGDRegressor` as it comes it is worse.
- Biases, which read nothing: ?<!-- biases-r:.3f --> and ?<!-- biases-t:.3f -->.
- Factors against biases: ?<!-- factors-change-r --> and ?<!-- factors-change-t -->.
- Text, genre and year in the process, against its biases alone: ?<!-- read-change-r --> and ?<!-- read-change-t -->. Here text helps, since the weights are each reader's own.
- How many rated a film, and who: ?<!-- process-change-r --> and ?<!-- process-change-t -->, to ?<!-- process-r:.3f --> and ?<!-- process-t:.3f -->.
- Boosted trees on what the process leaves of ratings that it has not seen, a *stack* ([Wolpert 1992](../book/references.md#wolpert-1992); LightGBM: [Ke et al. 2017](../book/references.md#ke-et-al-2017)): ?<!-- boosted-change-r --> and ?<!-- boosted-change-t -->, to ?<!-- boosted-r:.3f --> and ?<!-- boosted-t:.3f -->. Against the biases that is ?<!-- boosted-biases-r -->, against the factors ?<!-- boosted-factors-r -->.

**The rating's own moment.** People rate in sittings, and a sitting has a mood. Trees that know when the rating was given, and what the reader gave just before and after it, reach ?<!-- moment-r:.3f --> and ?<!-- moment-t:.3f --> (?<!-- moment-change-r --> and ?<!-- moment-change-t -->). In a contest that counts. For a list it is worth nothing: nobody knows it of a rating that is yet to come.
""")
code("""
cut = ladder[ladder["split"] == "one moment for all"].set_index("step")
share = cut["known"].iloc[0] / cut["n"].iloc[0]
glue("known", share)
glue("cut_biases", cut.loc["biases", "rmse"])
glue("cut_process", cut.loc["process", "rmse"])
glue("cut_mean", cut.loc["mean", "rmse"])
beside = ["biases", "biases_low", "biases_high"]
cut[["rmse", "low", "high", *beside, "n", "readers"]]
""")
md(r"""
A third split is the hardest, and the one that a new system meets: cut everybody at *one* moment. Only ?<!-- known:.0% --> of the later ratings are by readers who were there before. For the others there is no $b_u$, and all methods fall back on what is known of the films: biases ?<!-- cut_biases:.3f -->, the process ?<!-- cut_process:.3f -->, one number for all ?<!-- cut_mean:.3f -->. Most of what the ladder gains is knowledge of the reader.

## The best guess is not the best list

Now rank. For each reader we sort all films that they have not rated by the predicted stars, show ten, and look for what they liked later (the warm split of the chapter *evaluation*: each reader's last fifth of liked films). Two methods that predict no stars stand beside: popularity, and EASE ([Steck 2019](../book/references.md#steck-2019)), which learns from who rated what.
""")
code("""
ranked = stored("ratings_ranked").set_index("method")
ranked.insert(0, "rmse", table.loc["each reader's last"]["rmse"])
ranked
""")
code(
    """
figure, axes = plt.subplots(figsize=(7, 4))
guessing = ranked.dropna(subset="rmse")
for name, colour in {"EASE": 2, "popularity": 4}.items():
    height, colour = ranked.loc[name, "ndcg"], plot.PALETTE[colour]
    axes.axhline(height, color=colour, ls="--", lw=1.5)
    axes.text(1.08, height + 0.002, name, color=colour, ha="right")
middle = guessing["ndcg"]
bars = middle - guessing["low"], guessing["high"] - middle
axes.errorbar(guessing["rmse"], middle, bars, fmt="o", capsize=3)
for name, row in guessing.iterrows():
    place = {"xytext": (5, 5), "textcoords": "offset points"}
    axes.annotate(name, (row["rmse"], row["ndcg"]), fontsize=9, **place)
axes.set(xlabel="RMSE, each reader's last ratings (left is better)")
axes.set(ylabel="NDCG@10 of the list (up is better)", ylim=(0, None))
plt.show()
""",
    alt="Scatter of methods: error of the predicted stars to the right, quality of the list upwards. Two dashed lines, EASE and popularity, lie above all methods that rank by predicted stars.",
    caption="Error against lists. Dots: methods that rank by predicted stars, with 95 % intervals over readers. Lines: methods that predict no stars.",
    name="fig-ratings-lists",
)

code("""
from tokrec.recommend import PopularityRecommender
from tokrec.recommend.ratings.ranking import RankByRating

for name in ("popularity", "EASE", "biases", "factors", "process", "boosted"):
    row = ranked.loc[name]
    gap = row[["difference", "d_low", "d_high"]]
    glue(f"list-{name}", "{:+.3f} [{:+.3f}, {:+.3f}]".format(*gap))
    glue(f"audience-{name}", row["audience"])
assert (guessing["d_high"] < 0).all() and ranked.loc["EASE", "d_low"] > 0
assert guessing["rmse"].idxmin() == "boosted"

learn, later = warm_split(films)
by_stars = RankByRating(BiasRegressor(5, 2.5)).fit(learn, about)
lists = per_user(by_stars, later)
popular = per_user(PopularityRecommender().fit(learn, about), later)
for name, live in {"biases": lists, "popularity": popular}.items():
    assert abs(live["ndcg"].mean() - ranked.loc[name, "ndcg"]) < 1e-4
counts = learn["item_id"].value_counts()
top = pd.DataFrame({"film": about["title"][lists["ranked"].iloc[0]]})
top["ratings"] = counts.reindex(top.index, fill_value=0)
top.head(6)
""")
md(r"""
Every method that ranks by predicted stars makes worse lists than popularity: factors ?<!-- list-factors -->, the process ?<!-- list-process -->, the trees, whose guesses are the best of all, ?<!-- list-boosted -->. EASE, which sees of the stars only whether they are at least 4, is ahead of popularity by ?<!-- list-EASE -->. The table above is the first list of the biases: films that few people rated, and these well.

Why? An error is measured on films that people *chose to rate*, and a list is made of all the others. Which films somebody will watch at all decides most of what is found later, and predicted stars are silent on it: the films that popularity shows have ?<!-- audience-popularity:.0f --> ratings in the median, those of the biases ?<!-- audience-biases:.0f -->, of the factors ?<!-- audience-factors:.0f -->. That ratings are not missing by chance was shown by [Marlin and Zemel (2009)](../book/references.md#marlin-and-zemel-2009), and that small errors do not make good lists by [Cremonesi et al. (2010)](../book/references.md#cremonesi-et-al-2010). There is a second side to it: the test counts what people watched, and what they would have liked had they known it is counted as a miss.

<!-- constants: 4 -->

## In short

- A regression from text to stars has no reader in it: one list for everybody. Random numbers in the text's place guess as well, since a vector serves as the item's name.
- The review of the same purchase predicts its stars (?<!-- leak -->). It is written after the choice: sentiment, not recommendation.
- A star has no unit. Two damped means, of the reader and of the film, beat the articles' regression on MovieLens and on the shelf (there by ?<!-- bias_text -->).
- A Gaussian process says what resembles what, and needs no training but its weights: RMSE ?<!-- process-r:.3f --> at random and ?<!-- process-t:.3f --> in time; with boosted trees ?<!-- boosted-r:.3f --> and ?<!-- boosted-t:.3f -->. On the simulated shelf nothing beats the biases.
- What knows the moment of a rating stands apart (?<!-- moment-r:.3f -->, ?<!-- moment-t:.3f -->).
- The smallest error makes no good list: ranked by predicted stars all methods lie below popularity. What should be shown is a question for rankings; the chapter *collaborative* asks it.

## Exercises

### Exercise 1

*Predict.* Give the article's regression the reader: add the mean of the reader's training ratings as one more feature. Does the error fall? Do two readers now get different lists? Check both on the shelf.
""")
solution("""
means = train.groupby("user_id")["rating"].mean()
own_mean = lambda table: table["user_id"].map(means).fillna(r.mean())
with_reader = LinearRegression().fit(np.column_stack([vectors[at], own_mean(train)]), r)
told_stars = with_reader.predict(np.column_stack([vectors[asked], own_mean(test)]))
gain = rmse_interval(told_stars - test["rating"], test["user_id"], errors)
print("{:+.3f} [{:+.3f}, {:+.3f}]".format(*gain))
assert gain[2] < 0
for_all = [with_reader.predict(np.column_stack([vectors, np.full(len(vectors), m)])) for m in (2.0, 4.5)]
orders = [np.argsort(-row, kind="stable")[:50] for row in for_all]
assert (orders[0] == orders[1]).all()
""")
md(r"""
<details>
<summary>Answer</summary>

The error falls, and the lists stay the same: what is added depends on the reader alone and moves all items alike. For different lists the reader and the item must meet in one term, a product such as $p_u \cdot q_i$ or the $\langle f_i, f_j \rangle$ of what *this* reader rated.

</details>

### Exercise 2

*Change.* Choose the damping of the items' biases for MovieLens among 0, 1, 3, 10, 30 and 100, without touching the test. What is the guess for a film with a single rating of 5 stars if the damping is 0, and what is it with your choice?

<!-- constants: 3 10 30 100 5 -->
""")
solution("""
fitting, held = random_split(films)
inside, check = random_split(fitting, random_state=1)
found = {}
for damping in (0, 1, 3, 10, 30, 100):
    model = BiasRegressor(5, damping).fit(inside, about)
    found[damping] = np.sqrt(np.mean((model.predict(check) - check["rating"]) ** 2))
chosen = min(found, key=found.get)
print({damping: round(error, 3) for damping, error in found.items()}, chosen)
assert found[0] > found[chosen] and found[100] > found[chosen]
for damping in (0, chosen):
    bias = (5 - 3.5) / (1 + damping)  # from a reader of the usual kind
    print(f"damping {damping}: {3.5 + bias:.2f} stars")
""")
md(r"""
### Exercise 3

*Break it.* The article prints `score` on a test part, which is right; many tutorials print it on the training part. Take the shelf's first 800 training ratings, and let the regression read 0, 100, 300 and 600 random numbers for each item beside nothing else. How does $R^2$ move on these ratings, and on the test?

<!-- constants: 800 100 300 600 -->
""")
solution("""
few, rng = train[:800], np.random.default_rng(1)
i, scores = items.index.get_indexer(few["item_id"]), {}
for width in (1, 100, 300, 600):
    noise = rng.normal(size=(len(items), width))
    model = LinearRegression().fit(noise[i], few["rating"])
    scores[width] = [model.score(noise[i], few["rating"]), model.score(noise[asked], test["rating"])]
table_of = pd.DataFrame(scores, index=["R² on training ratings", "R² on the test"]).T
assert table_of.iloc[:, 0].is_monotonic_increasing and table_of.iloc[-1, 1] < 0
table_of.round(2)
""")
md(r"""
<details>
<summary>Answer</summary>

On the ratings that it was fitted to, $R^2$ can only rise with every column, whatever the column holds. On the test it falls below 0: worse than one number for all.

</details>

### Exercise 4

*Hard.* Perhaps predicted stars rank well among films that people watch anyway. Let popularity choose the candidates, the 100 films with the most training ratings, and let the biases order them (`per_user(..., candidates=...)`). Is that better than popularity's own order? And is it better than the biases' free choice?

<!-- constants: 100 -->
""")
solution("""
from tokrec.evaluate import paired_difference

among = counts.index[:100]
ordered = per_user(by_stars, later, candidates=among)["ndcg"]
for name, rival in {"popularity": popular, "free choice": lists}.items():
    gap = paired_difference(ordered, rival["ndcg"])
    print("among 100 − {}: {:+.3f} [{:+.3f}, {:+.3f}]".format(name, *gap))
assert paired_difference(ordered, lists["ndcg"])[1] > 0
""")
nb = new_notebook(
    cells=cells,
    metadata={
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"},
    },
)
for i, c in enumerate(nb.cells):
    c["id"] = f"cell-{i:03d}"
nbformat.write(nb, "notebooks/ratings.ipynb")
print(len(cells))
