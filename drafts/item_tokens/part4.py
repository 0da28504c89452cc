md(
    """
TODO in short

## Exercises

### Exercise 1

*Predict.* Somebody draws four codes of 32 by a fair die for each. How often is that an item of the shelf? Compute it, draw a million times, and compare it with what the trained decoder writes without the trie. What has the decoder learned that the die has not?
""",
    "32",
)
code(
    """
# @title Solution
dice = np.random.default_rng(0).integers(32, size=(1_000_000, 4))
hits = (trie.written(dice) >= 0).mean()
expected = len(items) / 32**4
print(f"expected {expected:.2%}, drawn {hits:.2%}")
print(f"the decoder: {1 - shares['without']:.1%}")
assert abs(hits - expected) < 1e-4 and 1 - shares["without"] > 2 * hits
# It has learned which codes are in use, which level comes next, and which
# codes follow which. The die draws each level from its own 32 codes, too.
""",
    tags=["hide-cell"],
)
md(
    """
### Exercise 2

*Change.* Three levels of 64 codes name a quarter of a million things, more than the shelf needs. Are they better addresses than four levels of 32? Compare the items alone, the neighbours kept and the items that have to move.
""",
    "64",
    "32",
)
code(
    """
# @title Solution
rows = {}
for size, levels in ((32, 4), (64, 3), (64, 4)):
    other = it.residual_kmeans(vectors, size, levels)
    found, own = other.encode(vectors), it.own_codes(vectors, other)
    rows[f"{levels} of {size}"] = {
        "alone": it.share_alone(found),
        "kept": it.neighbours_kept(vectors, other.decode(own)).mean(),
        "moved": (found != own).any(axis=1).mean(),
    }
print(pd.DataFrame.from_dict(rows, orient="index").round(2))
assert rows["3 of 64"]["alone"] < rows["4 of 32"]["alone"]
# With 64 codes the first levels already hold few items each; what is left
# over are 764 nearly unrelated directions, of which k-means makes one large
# heap and many single items: the later levels are wasted.
""",
    tags=["hide-cell"],
)
md("""
### Exercise 3

*Extend.* Only books are in stock. Let the trained decoder write nothing else, for the reader from above. Do the chances still add up to one? Is the order of the books the one that they had among all items?
""")
code(
    """
# @title Solution
in_stock = items["domain"].to_numpy() == "books"
stock = writer.only(items.index[in_stock])
bounded = stock.score([reader])[0]
assert np.isfinite(bounded).tolist() == in_stock.tolist()
assert abs(np.exp(bounded).sum() - 1) < 1e-4
print(titles[stock.recommend(reader, k=5)["item_id"]].to_string(index=False))
before = np.argsort(-everything[in_stock], kind="stable")[:20]
after = np.argsort(-bounded[in_stock], kind="stable")[:20]
print("of the first twenty books, at the same place:", (before == after).sum())
# The chances add up to one. The order need not be the same: at every level
# they are shared out anew among the ways that are left, so a book whose
# codes had strong rivals among watches gains more than others.
""",
    tags=["hide-cell"],
)
md("""
### Exercise 4

*Hard.* TIGER appends a number to codes that collide. Build that: a fifth level, 0 for the first item with given codes, 1 for the second. How many items get a number other than 0? How far do the *codes* of `own_codes` move away from the vectors of the items that it moves, compared with the plain codes?
""")
code(
    """
# @title Solution
group = pd.DataFrame(plain).groupby([0, 1, 2, 3]).cumcount().to_numpy()
print("numbers above 0:", (group > 0).sum(), "items; largest:", group.max())
appended = np.column_stack([plain, group])
assert it.share_alone(appended) == 1
far = {}
for name, found in {"plain": plain, "own": codes}.items():
    gap = ((vectors - books.decode(found)) ** 2).sum(axis=1)
    far[name] = gap[moved].mean()
    print(f"{name:6} {far[name]:.2f} from the vector, items that move")
assert far["own"] > far["plain"] and (group > 0).sum() == moved.sum()
# A moved item pays a little distance and has a code that still says
# something; a number says nothing, and costs a fifth token for every item.
""",
    tags=["hide-cell"],
)
