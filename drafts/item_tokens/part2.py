code('''
warm = stored("item_tokens_warm")
table = pd.DataFrame(warm["table"])


def interval(row, name):
    """A number with its interval, as text."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:+.3f} [{low:+.3f}, {high:+.3f}]"


def shown(rows, first="method"):
    """NDCG@10 by method, and how far the codes from text are ahead."""
    told = pd.DataFrame({"NDCG@10": rows["ndcg"].round(3)})
    told["codes from text are ahead by"] = [
        interval(row, "ahead") if row["ahead"] else "" for _, row in rows.iterrows()
    ]
    for name in ("recall", "coverage"):
        told[name] = rows[name].round(3)
    told["seconds"] = rows["seconds"].round(0).astype(int)
    return told.set_index(rows[first].rename(first))


by_rated = table[table["exclude"] == "rated"]
shown(by_rated)
''')
code(
    """
ours, control = (f"item tokens, codes {name}" for name in ("from text", "by chance"))
for exclude, part in table.groupby("exclude"):
    part = part.set_index("method")
    for name, row in part.iterrows():
        glue(f"{exclude}_{name.split()[-1]}", row["ndcg"])
        glue(f"{exclude}_apart_{name.split()[-1]}", interval(row, "ahead"))
rated = by_rated.set_index("method")
glue("seeds", len(rated.loc[ours, "each"]))
glue("seed_low", min(rated.loc[ours, "each"]))
glue("seed_high", max(rated.loc[ours, "each"]))
assert rated.loc["EASE", "ahead_high"] < 0
curves = pd.DataFrame(warm["curves"])
curves.index += 1
axes = curves.rename(columns=lambda name: name.split(", ")[1]).plot()
axes.set(xlabel="epoch", ylabel="loss, nats a code", ylim=(0, None))
plt.show()
""",
    alt="Three falling curves of the training loss over the epochs, for codes from text, from readers and by chance.",
)
md("""
TODO warm: EASE ?<!-- rated_EASE:.3f -->, popularity ?<!-- rated_popularity:.3f -->, ours ?<!-- rated_text:.3f --> (seeds ?<!-- seed_low:.3f --> to ?<!-- seed_high:.3f -->), chance ?<!-- rated_chance:.3f -->: ?<!-- rated_apart_chance -->; readers ?<!-- rated_readers:.3f -->. With liked excluded: ?<!-- liked_EASE:.3f --> ?<!-- liked_text:.3f -->.
""")
exec(open("part3.py").read())
