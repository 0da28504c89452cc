import sys, hashlib
import nbformat as nbf
cells = []
def md(text): cells.append(nbf.v4.new_markdown_cell(text.strip("\n")))
def code(text, tags=(), alt=None):
    c = nbf.v4.new_code_cell(text.strip("\n"))
    if tags: c.metadata["tags"] = list(tags)
    if alt: c.metadata["mystnb"] = {"image": {"alt": alt}}
    cells.append(c)
def solution(text):
    c = nbf.v4.new_code_cell("# @title Solution\n" + text.strip("\n"))
    c.metadata["tags"] = ["hide-cell"]
    cells.append(c)

md('''
# Cold start: films that nobody has rated

A film comes out today. No rating, no click, nobody who also watched anything: everything that collaborative filtering lives on is missing. All there is to read is a title, a year and some genres. Who should hear of it? Article 003 (Q3) answers this *cold start* (冷启动) with one line, recommend by content, and the articles' content recommender is a mean vector and a cosine. On real ratings that recipe finds less than counting words does. This chapter takes it apart, and builds, one step at a time, what does better.

## What you'll learn

- how new items are judged without fooling oneself: items hidden from all training, all of them ranked, two kinds of interval;
- why a mean profile is weak, and what kernel ridge regression does instead, by hand;
- to take in a new film, or a new reader, without training anew;
- how much of the gain is taste, how much is the audience that a text lets expect, and how much is only knowledge of the protocol.

**What you need**

- vectors and cosine ([Similarity](similarity.ipynb)), the mean profile ([A recommender, end to end](recommender.ipynb));
- the inverse of a matrix, and the idea of a penalty (ridge regression);
- `tokrec` and what it installs. Nothing is downloaded.
''')
code('''
import importlib.util

if importlib.util.find_spec("tokrec") is None:
    get_ipython().run_line_magic(
        "pip", 'install -q "tokrec @ git+https://github.com/tokrec/tokrec"'
    )
''', ["remove-cell"])
code('''
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import tokrec
from tokrec import plot
from tokrec.stored import glue, stored

plot.use_style()
pd.set_option("display.precision", 3)
pd.set_option("display.max_colwidth", 60)


def rows_of(found):
    """A stored ladder as a table, indexed by text, step and mask."""
    table = pd.DataFrame(found["rows"], columns=found["columns"])
    return table.set_index(["text", "step", "mask"]).sort_index()


found = {name: stored(f"ladder_cold{name}") for name in ("", "_teacher")}
ladder = pd.concat([rows_of(part) for part in found.values()])
ladder = ladder[~ladder.index.duplicated()].sort_index()
bounds = stored("ladder_cold_bounds").set_index(["bound", "mask"])
recipe, words = (
    ladder.loc[(text, "mean profile", False)]
    for text in ("tokrec-mini", "TF-IDF")
)
shown = pd.DataFrame({"encoder": recipe, "TF-IDF": words}).T
for name, row in {"recipe": recipe, "words": words}.items():
    glue(name, row["ndcg"])
glue("chance", bounds.loc[("chance", False), "ndcg"])
shown[["ndcg", "ndcg_low", "ndcg_high"]].astype(float)
''')
open('part1.txt','w').write('')
md('''
Both rows rank films that were hidden from all training, for every reader of MovieLens, by the mean of what the reader liked. NDCG@10 is 1 when the ten first films are ten that the reader liked. The encoder, which has read sentences by the million, reaches ?<!-- recipe:.3f -->; the words of title, year and genres, counted, ?<!-- words:.3f -->. A random order reaches ?<!-- chance:.3f -->. At the end of the chapter the same encoder stands at ?<!-- top:.3f -->. What happens in between has little to do with the encoder.

<!-- constants: 10 1 -->

## Hiding films

To judge a method on new films, some films are made new: a fifth of all films that somebody liked (a rating of 4 or more) lose all their ratings, whoever gave them. The method is fitted on what is left, and then ranks, for each reader, *only* the hidden films, every one of them. What the reader liked among them should stand on top. Five such folds make every film new once, and a reader's value is the mean of the folds in which there was something to find. The text is title, year and genres. (Tags are left out; a section below shows what they give away.)

The stored figures use all ?<!-- n_films:,.0f --> films. What runs in this notebook uses a sample of 1,500, drawn by chance, so that a laptop needs seconds; its numbers are other ones, since it is easier to find something among 300 films than among 1,260.

<!-- constants: 4 1,500 300 1,260 -->
''')
code('''
from tokrec.ladders.hidden_items import item_folds

ratings, films = tokrec.load_movielens()
liked = ratings.loc[ratings["rating"] >= 4, "item_id"].unique()
candidates = films[films.index.isin(liked)]
glue("n_films", len(candidates))
sample = candidates.sample(1500, random_state=0).sort_index()
fold = next(item_folds(ratings, sample))
train, hidden = fold.train, fold.items.loc[fold.hidden]
known = fold.items.drop(fold.hidden)
assert not train["item_id"].isin(fold.hidden).any()
print(f"{len(known)} films with ratings, {len(hidden)} without; "
      f"{train['user_id'].nunique()} readers")
hidden.sample(4, random_state=1)
''')
md('''
## The articles' recipe, and a better neighbour

A profile is the mean of the vectors of what somebody liked, a score is its cosine with a new film. Centred or not, one vector has to stand for all of a reader's interests. The plainest remedy is to let every liked film $j$ vote for itself, $\\max(0, \\cos(v_i, v_j))^p$, and to add the votes: with a large $p$ only near films have a say.

''')
code('''
from tokrec.recommend import ContentRecommender, SimilarRecommender
from tokrec.text import item_texts

encoder = tokrec.load_encoder()
vectors = encoder.encode(item_texts(fold.items))
reader = train.loc[train["rating"] >= 4, "user_id"].value_counts().index[60]
likes = train.query("user_id == @reader and rating >= 4")["item_id"]
at = fold.items.index.get_indexer(likes)
profile = vectors[at].mean(axis=0)
by_profile = vectors @ profile / np.linalg.norm(profile)
by_votes = (np.maximum(vectors @ vectors[at].T, 0) ** 4).sum(axis=1)

mean = ContentRecommender(centred=False).fit(train, fold.items)
votes = SimilarRecommender(power=4).fit(train, fold.items)
np.testing.assert_allclose(mean.score([reader])[0], by_profile, atol=1e-4)
np.testing.assert_allclose(votes.score([reader])[0], by_votes, rtol=1e-3)
new = fold.items.index.isin(fold.hidden)
found = {"mean profile": by_profile, "votes": by_votes}
titles = hidden["title"].to_numpy()
best = {n: titles[np.argsort(-s[new])[:5]] for n, s in found.items()}
print("liked:", "; ".join(fold.items["title"][likes[:4]]))
pd.DataFrame(best, index=range(1, 6))
''')
md('''
Both lists hold films like those that the reader liked. Neither asks three questions that a bookseller would: what did this reader *not* like? Do two of the liked films say the same thing, and should that count twice? And is this the kind of film that anybody watches?

## Kernel ridge, by hand

Turn the problem round. For one reader, every known film is an example: a text, and a number, 1 if the reader liked it and 0 if not. Learn to predict the number from the text. With $K_{ij} = \\exp(4 \\cos(v_i, v_j))$ for how alike two films are, kernel ridge regression ([Saunders et al. 1998](../book/references.md#saunders-et-al-1998)) gives each known film a weight,

$$w = (K + \\lambda I)^{-1} y, \\qquad \\text{score}(i) = \\sum_j K_{ij}\\, w_j .$$

Four known films, two readers, one new film:

<!-- constants: 4 -->
''')
code('''
from sklearn.kernel_ridge import KernelRidge

from tokrec.recommend import KernelRidgeRecommender

texts = ["A rocket to the moon", "Rocket crew lost near the moon",
         "A wedding in Rome", "Love letters from Paris",
         "Astronauts stranded on Mars"]
toy = pd.DataFrame({"title": texts}, index=list("ABCDE"))
seen = [("ann", "A", 5), ("ann", "B", 4), ("ann", "C", 1),
        ("bob", "C", 5), ("bob", "D", 4), ("bob", "A", 2)]
seen = pd.DataFrame(seen, columns=["user_id", "item_id", "rating"])
v = encoder.encode(texts)
K = np.exp(4 * v @ v.T)
y = np.array([[1, 1, 0, 0], [0, 0, 1, 1.0]]).T  # Ann's and Bob's likes
w = np.linalg.solve(K[:4, :4] + 10 * np.eye(4), y)  # penalty 10
by_hand = K[4, :4] @ w

ridge = KernelRidgeRecommender(penalty=10)
by_tokrec = ridge.fit(seen.assign(timestamp=0), toy).score(["ann", "bob"])
model = KernelRidge(alpha=10, kernel="precomputed").fit(K[:4, :4], y)
np.testing.assert_allclose(by_tokrec[:, 4], by_hand, atol=1e-4)
np.testing.assert_allclose(model.predict(K[4:, :4])[0], by_hand, atol=1e-4)
assert by_hand[0] > by_hand[1] and (w[2:, 0] < 0).all()
pd.DataFrame(w, texts[:4], ["weight, Ann", "weight, Bob"])
''')
md('''
The film on Mars scores ?<!-- mars_ann:.2f --> for Ann and ?<!-- mars_bob:.2f --> for Bob. By hand, `tokrec` and scikit-learn agree. The weights show what a mean profile lacks: Rome and Paris, which Ann did not like, vote *against* what is like them.

One more thing is worth seeing. The matrix that is inverted knows only the texts; the readers are columns of $y$. So *one* factorisation serves all readers, and it serves those who come tomorrow: their likes are one more column.

<details>
<summary>Quick question: Ann's weight for the film of the lost crew is smaller than 1, although she liked it. Why?</summary>

The penalty shrinks every weight; and the two rocket films say much the same, so that they share the work. Votes would count both in full.

</details>
''')
code('''
glue("mars_ann", by_hand[0])
glue("mars_bob", by_hand[1])
from tokrec.evaluate import per_user

trained = {
    "mean profile": mean,
    "votes": votes,
    "kernel ridge": KernelRidgeRecommender().fit(train, fold.items),
}


def judge(method):
    """NDCG@10 of each reader on the hidden films."""
    return per_user(method, fold.test, candidates=fold.hidden)["ndcg"]


quality = pd.DataFrame({n: judge(m) for n, m in trained.items()})
assert quality["kernel ridge"].mean() > quality["mean profile"].mean()
quality.mean().to_frame("NDCG@10, this fold")
''')
md('''
## New films, new readers, nothing trained anew

Articles 001 and 003 ask for real time: features that follow new items and new behaviour. For this kind of method that is nearly free. A new film needs one vector and one row of $K$; the factorisation stays. `add_items` takes it in. It is not an approximation: films without ratings teach nothing, so the scores are those of a recommender that had the film in its catalogue from the start.
''')
code('''
live = KernelRidgeRecommender().fit(train, known)
live.add_items(hidden)
there = KernelRidgeRecommender().fit(train, fold.items)
order = there.items_.index.get_indexer(live.items_.index)
some = list(live.users_[:50])
np.testing.assert_allclose(
    live.score(some), there.score(some)[:, order], atol=1e-4
)

today = pd.DataFrame(
    {"title": ["The Last Robot of Mars (2018)"],
     "text": ["Action Adventure Sci-Fi"]}, index=[999_999])
live.add_items(today)
own = train[train["rating"] >= 4]
own = own.groupby("user_id").filter(lambda part: len(part) >= 10)
science = own["item_id"].map(fold.items["text"].str.contains("Sci-Fi"))
share = science.groupby(own["user_id"]).mean()
scores = live.score(list(share.index))[:, len(known):]
rank = 1 + (scores > scores[:, -1:]).sum(axis=1)
fans = share[rank == 1]
assert fans.mean() > 1.3 * share.mean()
print(f"first among {len(hidden) + 1} new films for {len(fans)} readers")
''')
md('''
A film that never existed, *The Last Robot of Mars*, has found ?<!-- n_fans --> readers for whom it comes first among all new films (of ?<!-- n_asked --> who liked at least ten). Of what they liked, ?<!-- fan_share:.0% --> is science fiction; of what all of them liked, ?<!-- all_share:.0% -->. A new *reader* is a new column: two or three likes are enough to begin. And who has liked nothing yet can say it, in either language: a sentence is a vector too, and is compared with the films' vectors as in [A recommender, end to end](recommender.ipynb).
''')
code('''
glue("fan_share", fans.mean())
glue("n_fans", len(fans))
glue("n_asked", len(share))
glue("all_share", share.mean())
three = known[known["title"].str.contains("Terror|Horror|Vampire|Dracula")]
three = three[three["text"].str.contains("Horror")].index[:3]
by_likes = live.recommend(history=list(three), k=300)
by_likes = by_likes[by_likes["item_id"].isin(hidden.index)].head(5)
content = ContentRecommender().fit(None, hidden)
question = "恐怖片"  # horror films
by_text = content.recommend(text=question, k=5)
print("liked:", "; ".join(known.loc[three, "title"]))
told = {
    "after three likes": by_likes, f"{question} (horror films)": by_text
}
pd.DataFrame({name: (hidden["title"] + " · " + hidden["text"])[
    part["item_id"]].to_numpy() for name, part in told.items()},
    index=range(1, 6))
''')
md('''
Article 003's other advice for new users, collaborative filtering, needs what a new user does not have: a history. After the first few likes it can start; before that only text and popularity can speak.

## The ladder

Now all films, five folds, and one step after the other. Every setting (how sharp the kernel is, how much a year counts, and so on) was chosen inside each fold's training part: a sample of its films was split once more, and what did best there was taken. Every step is compared with the step before it, reader by reader.

| step | what it adds |
|---|---|
| mean profile, centred profile | the articles' recipe |
| neighbours | every liked film votes for itself |
| kernel ridge | learns from what was not liked; no double counting |
| + year and genres | $K$ is multiplied by $e^{-a\\,\\lvert\\text{years apart}\\rvert}$ and by a kernel of the genre sets |
| + words | and by one of the TF-IDF vectors: product of kernels |
| + rated, not liked | $y$ is a little above 0 for what was rated without being liked: it was at least chosen |
| + bridge to the ratings | readers who are alike share what they liked before the text learns it |
| + expected audience | a second model reads off the text how many will like the film |
| + lambdarank | boosted trees put the first 120 in order, taught on films hidden for that purpose inside the training part |

<!-- constants: 120 -->
''')
code('''
steps = ["mean profile", "centred profile", "neighbours", "kernel ridge",
         "+ year and genres", "+ words", "+ rated, not liked",
         "+ bridge to the ratings", "+ expected audience", "+ lambdarank"]
fig, axis = plt.subplots(figsize=(6.2, 6.4))
marks = {"TF-IDF": "s", "tokrec-mini": "o", "all-MiniLM-L6-v2": "^"}
for shift, (text, mark) in zip((-0.2, 0, 0.2), marks.items()):
    own = ladder.xs((text, False), level=["text", "mask"])
    own = own.reindex(steps).dropna(subset="ndcg")
    y = [steps.index(step) + shift for step in own.index]
    ends = own["ndcg"] - own["ndcg_low"], (
        own["ndcg_high"] - own["ndcg"])
    axis.errorbar(own["ndcg"], y, xerr=ends, fmt=mark, label=text, ms=5)
for name, label in {"likes of all": "popularity, if it were known",
                    "ratings of others": "EASE, if others' ratings were known"
                    }.items():
    axis.axvline(bounds.loc[(name, False), "ndcg"], color="#444", ls=":")
    axis.text(bounds.loc[(name, False), "ndcg"] - 0.004, 9.6, label,
              rotation=90, va="bottom", ha="right", fontsize=9)
axis.set_yticks(range(len(steps)), steps)
axis.invert_yaxis()
axis.set_xlabel("NDCG@10 on new films, 95 % over readers")
axis.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3)
plt.show()
''', ["hide-input"], "ALT LADDER")
code('''
def told(row, name):
    """A mean with its interval over readers."""
    ends = row[name], row[f"{name}_low"], row[f"{name}_high"]
    return "{:+.4f} [{:+.4f}, {:+.4f}]".format(*ends)


gains = {}
for text in ("TF-IDF", "tokrec-mini", "all-MiniLM-L6-v2"):
    own = ladder.xs((text, False), level=["text", "mask"])
    gains[text] = {step: f"{own.loc[step, 'ndcg']:.4f}  " + (
        told(own.loc[step], "gain") if own.loc[step, "gain"] == own.loc[
            step, "gain"] else "") for step in steps if step in own.index}
pd.DataFrame(gains, index=steps).fillna("")
''', ["hide-input"])
md('''PROSE LADDER''')
md('''
## The bridge

Collaborative filtering can't see a new film, and kernel ridge regression can't see that two readers are alike. The bridge joins them. Known films have a place among the readers: $Y$, a film a row, a reader a column. Singular vectors turn it into factors, $Y = U \\Sigma V^\\top$; the text predicts a new film's factors, as attributes do in [Gantner et al. 2010](../book/references.md#gantner-et-al-2010); a reader's taste is their row of $V$. Usually one keeps the first few factors and drops the rest. Here the direction with the singular value $\\sigma$ is kept with the weight $\\sigma^2 / (\\sigma^2 + \\mu)$, and then factors need not be computed at all: it is the same as replacing each reader's $y$ by

$$Y (Y^\\top Y + \\mu I)^{-1} Y^\\top y ,$$

what readers alike make of it, before the text learns it.
''')
code('''
from tokrec.ladders.hidden_items import judged
from tokrec.recommend import BridgeRecommender

bridge = BridgeRecommender(shrinkage=10).fit(train, fold.items)
ridge = trained["kernel ridge"]
Y = (ridge.seen_ >= 4).toarray().T[ridge.known_].astype(float)
U, sigma, Vt = np.linalg.svd(Y, full_matrices=False)
everybody = list(ridge.users_)
places = ridge.score(everybody).T @ Vt.T  # a film's factors, from its text
by_hand = (places * (sigma**2 / (sigma**2 + 10))) @ Vt
np.testing.assert_allclose(bridge.score(everybody).T, by_hand, atol=1e-3)

cut = {"all factors: no bridge": ridge.score(everybody).T}
cut["all factors, shrunk"] = by_hand
for n in (200, 50, 10):
    kept = np.arange(len(sigma)) < n
    cut[f"the first {n} factors"] = (places * kept) @ Vt
found = pd.Series({name: judged(ridge, fold, scores.T)[False].mean()
                   for name, scores in cut.items()}, name="NDCG@10")
assert found.iloc[2:].is_monotonic_decreasing
assert (found.iloc[:2].min() > found.iloc[2:]).all()
found.to_frame().rename_axis("this fold")
''')
md('''PROSE BRIDGE''')
md('''
## The audience, read off the text

Popularity is the strongest simple method wherever it is known, and a new film has none. But how many will watch it can be guessed: a sequel of 1999 with *Action* on it is not a documentary of 1932. `AudienceRecommender` learns $\\log(1 + \\text{likes})$ of the known films, first by kernel ridge regression on the vectors, then by boosted trees that see this guess (made for films that were left out), the year, frequent words and the shape of the title: its length, a colon, a number of a sequel, brackets.
''')
code('''
from tokrec.recommend import AudienceRecommender

audience = AudienceRecommender().fit(train, fold.items)
expected = audience.expected(hidden)
likes = fold.test.groupby("item_id").size().reindex(hidden.index)
actual = np.log1p(likes)
mixed = hidden.sample(frac=1, random_state=0).set_axis(hidden.index)
control = np.corrcoef(audience.expected(mixed), actual)[0, 1]
together = np.corrcoef(expected, actual)[0, 1]
glue("audience_r", together)
glue("control_r", control)
assert together > 0.25 and abs(control) < 0.15
fig, axis = plt.subplots(figsize=(6, 4))
axis.scatter(np.expm1(expected), likes, s=14, alpha=0.6)
axis.set_yscale("log")
axis.set_xlabel("likes expected of title, year and genres")
axis.set_ylabel("likes that came")
plt.show()
''', alt="Hidden films as dots: to the right those of which the text lets more likes be expected, higher up those with more likes. The cloud rises to the right, with much scatter.")
code('''
shown = hidden.assign(expected=np.expm1(expected), came=likes)
best = shown.nlargest(5, "expected")
least = shown.nsmallest(5, "expected")
pd.concat({"most": best, "least": least})[
    ["title", "text", "expected", "came"]].round(1)
''')
md('''
On this fold the correlation between expected and actual $\\log(1 + \\text{likes})$ is ?<!-- audience_r:.2f -->; with the texts dealt out to other films it is ?<!-- control_r:.2f -->. This is no trick of the protocol. Anybody who buys films for a shop makes the same guess before the first copy is sold, and it is part of what a reader's list should know. It isn't personal, though: in the ladder it is one addend, the same for everybody.

## What is only protocol

The next gain is of another kind. MovieLens readers came for a few days or weeks and left. Whoever left in 1998 has rated no film of 2005, so putting all films from after a reader's last rating last can't lose: it uses the *date of the test*, which a reader who is asked today doesn't have. Papers seldom say whether their methods could learn this. Here is every step with it and without it.
''')
code('''
masked = {}
for text in ("TF-IDF", "tokrec-mini", "all-MiniLM-L6-v2"):
    with_, without = (ladder.xs((text, m), level=["text", "mask"])["ndcg"]
                      for m in (True, False))
    masked[text, "without"], masked[text, "with"] = without, with_
table = pd.DataFrame(masked).reindex(steps)
rise = table.xs("with", axis=1, level=1) - table.xs(
    "without", axis=1, level=1)
assert (rise.loc["mean profile"] > 0).all()
table.round(3)
''')
md('''PROSE MASK''')
md('''
**Tags give a film's fame away.** Texts could be longer: some films have tags, words that readers wrote. But a film gets tags *because* people watch it. Three texts for the same TF-IDF kernel ridge regression: without tags, with them, and without them but with one extra word, the same for all, on films that have a tag.
''')
code('''
tags = stored("ladder_cold_tags")
first = tags["ndcg"].iloc[0]
glue("no_tags", first)
glue("tags", tags["ndcg"].iloc[1])
glue("tagged", tags["ndcg"].iloc[2])
glue("has_tags", bounds.loc[("has tags", False), "ndcg"])
assert (tags["ndcg"].iloc[1:] > first + 0.02).all()
tags[["text", "ndcg", "ndcg_low", "ndcg_high"]].round(3)
''')
md('''PROSE TAGS''')
md('''
## How sure? Other readers, and other films

An interval over readers answers: what if other readers had come? The films were drawn by chance too, and with five folds their part can be seen directly.
''')
code('''
fig, axis = plt.subplots(figsize=(6.2, 4.2))
own = ladder.xs(("tokrec-mini", False), level=["text", "mask"]).reindex(steps)
per_fold = own[[f"fold_{n}" for n in range(5)]]
for number, mark in enumerate("osD^v"):
    axis.plot(per_fold.iloc[:, number], range(len(steps)), marker=mark,
              lw=1, ms=5, label=f"fold {number + 1}")
axis.set_yticks(range(len(steps)), steps)
axis.invert_yaxis()
axis.set_xlabel("NDCG@10, tokrec-mini, mean over readers")
axis.legend(loc="lower left")
plt.show()
''', ["hide-input"], "Five lines, one for each fold of films, over the steps of the ladder: they lie far apart, and rise together.")
md('''PROSE FOLDS''')
md('''
## On the shelf

The [shelf](../book/shelf.md) has longer texts, in two languages, and simulated readers. The same ladder, up to the expected audience; years in titles are rare there.
''')
code('''
shelf = stored("ladder_cold_shelf")
tables = {name: rows_of(part) for name, part in shelf.items()}
shown = {}
for labels, part in tables.items():
    for text in ("TF-IDF", "tokrec-mini"):
        own = part.xs((text, False), level=["text", "mask"])
        shown[labels, text] = own["ndcg"]
pd.DataFrame(shown).reindex(steps[:-1]).round(3)
''')
md('''PROSE SHELF''')
md('''PROSE SHORT''')
md('''
## Exercises

### Exercise 1

*Check.* How sharp should the kernel be? On the fold of this notebook compare the sharpness 0 (the cosine itself: ridge regression on the vectors), 2, 4 and 8. What would a very large sharpness do?

<!-- constants: 2 4 8 -->
''')
solution('''
curve = {}
for sharpness in (0, 2, 4, 8):
    penalty = 5 if sharpness == 0 else 100  # entries of K are below 1
    method = KernelRidgeRecommender(penalty=penalty, sharpness=sharpness)
    curve[sharpness] = judge(method.fit(train, fold.items)).mean()
assert curve[4] > curve[0] - 0.02
print("largest entry of K:", {s: f"{np.exp(s):.0f}" for s in curve})
pd.Series(curve, name="NDCG@10").rename_axis("sharpness").round(3)
''')
md('''
<details>
<summary>Answer</summary>

The larger the sharpness, the more only the very nearest films count; in the end every film is like itself alone, and nothing carries over to a new one. The entries of $K$ grow with it, so a penalty has to be judged together with the sharpness.

</details>

### Exercise 2

*Change.* A common mistake: the hidden films stay in the training data, as films that nobody liked. Build it with NumPy: the same kernel, but with all films as known ones and $y = 0$ for the hidden, with the penalties 100 and 10. What happens, and why is it a mistake outside of an experiment too?

<!-- constants: 100 10 -->
''')
solution('''
from tokrec.evaluate import paired_difference

alike = vectors @ vectors.T
kernel = np.exp(4 * alike).astype(float)
targets = (ridge.seen_ >= 4).toarray().T.astype(float)  # 0 if hidden
lost = {}
for penalty in (100, 10):
    method = KernelRidgeRecommender(penalty=penalty).fit(train, fold.items)
    w = np.linalg.solve(kernel + penalty * np.eye(len(kernel)), targets)
    right = judged(method, fold)[False].dropna()
    wrong = judged(method, fold, (kernel @ w).T)[False].dropna()
    lost[penalty] = right.mean(), *paired_difference(wrong, right)
assert lost[10][3] < 0  # the whole interval
pd.DataFrame(lost, ["right", "wrong - right", "low", "high"]).T.round(3)
''')
md('''
<details>
<summary>Answer</summary>

Every hidden film has been taught that it is disliked. A strong penalty smooths that away here; with a weak one, where a film's own target counts more, it costs part of the quality. In a shop the same happens to everything that came in yesterday: that nobody has bought it yet says nothing about it. `KernelRidgeRecommender` learns only from items that somebody has rated.

</details>

### Exercise 3

*Extend.* How many likes does a new reader need? Take readers with at least 30 likes among the known films, keep only their first 1, 3, 10 and 30, score with `score_history`, and draw NDCG@10 over the number of likes, with the expected audience alone as a line.

<!-- constants: 30 1 3 10 -->
''')
solution('''
many = train[train["rating"] >= 4].sort_values("timestamp", kind="stable")
many = many.groupby("user_id").filter(lambda own: len(own) >= 30)
asked = many["user_id"].unique()
wanted = fold.test[fold.test["user_id"].isin(asked)]
rows = ridge.users_.get_indexer(asked)
curve = {}
for n in (1, 3, 10, 30):
    few = many.groupby("user_id").head(n)
    history = np.zeros(ridge.seen_.shape, np.float32)
    history[ridge.users_.get_indexer(few["user_id"]),
            ridge.items_.index.get_indexer(few["item_id"])] = 5
    found = judged(ridge, fold, ridge.score_history(history))[False]
    curve[n] = found[asked].mean()
level = judged(audience, fold)[False][asked].mean()
assert curve[30] > curve[1]
plt.figure(figsize=(5, 3))
plt.plot(list(curve), list(curve.values()), "o-", label="kernel ridge")
plt.axhline(level, ls=":", color="#444", label="expected audience")
plt.xscale("log")
plt.xticks(list(curve), list(curve))
plt.xlabel("likes known")
plt.ylabel("NDCG@10")
plt.legend()
plt.show()
''')
cells[-1].metadata["mystnb"] = {"image": {"alt": "NDCG@10 rises with the number of known likes; the expected audience is a level line."}}
md('''
### Exercise 4

*Hard.* The kernel has other parts: `years`, `labels` and `words`. Try `years=0.3`, `labels=0.5` and `words=1` one at a time and all together on this fold, as paired differences from the text alone. Then say why the best row of your table is not a result.

<!-- constants: 0.3 0.5 1 -->
''')
solution('''
parts = {"years": 0.3, "labels": 0.5, "words": 1.0}
tried = {name: {name: value} for name, value in parts.items()}
tried["all three"] = parts
plain, gained = judged(ridge, fold)[False].dropna(), {}
for name, options in tried.items():
    method = KernelRidgeRecommender(**options).fit(train, fold.items)
    found = judged(method, fold)[False].dropna()
    gained[name] = paired_difference(found, plain)
assert gained["all three"][1] > 0
pd.DataFrame(gained, ["mean", "low", "high"]).T.round(3)
''')
md('''
<details>
<summary>Answer</summary>

It was chosen among four on the films that it is judged by. The ladder chooses inside the training part of each fold, and is judged on films that had no say.

</details>
''')
nb = nbf.v4.new_notebook(cells=cells)
nb.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
for i, c in enumerate(cells): c["id"] = hashlib.sha256(f"cold{i}".encode()).hexdigest()[:8]
nbf.write(nb, sys.argv[1]); print(len(cells))
