code("""
rolling = pd.DataFrame(stored("item_tokens_rolling")["table"])
for _, row in rolling.iterrows():
    name = row["method"].split()[-1]
    glue(f"rolling_{row['exclude']}_{name}", row["ndcg"])
    glue(f"rolling_{row['exclude']}_apart_{name}", interval(row, "ahead"))
shown(rolling[rolling["exclude"] == "rated"])
""")
md("""
TODO rolling
""")
code("""
cold = stored("item_tokens_cold")
films = pd.DataFrame(cold["table"])
for _, row in films.iterrows():
    glue(f"cold_{row['method'].split()[-1]}", row["ndcg"])
    glue(f"cold_apart_{row['method'].split()[-1]}", interval(row, "ahead"))
glue("places", cold["written"]["places"])
glue("catalogue", cold["written"]["catalogue"])
shown(films)
""")
md("""
TODO cold
""")
code("""
own = stored("item_tokens_shelf")
choices = pd.DataFrame(own["table"])
for _, row in choices.iterrows():
    glue(f"shelf_{row['exclude']}_{row['method'].split()[-1]}", row["ndcg"])
    glue(f"shelf_{row['exclude']}_apart_{row['method'].split()[-1]}", interval(row, "ahead"))
shown(choices[choices["exclude"] == "rated"])
""")
code("""
wishes = pd.DataFrame(own["wishes"])
for _, row in wishes.iterrows():
    name = row["method"].split()[-1]
    glue(f"wish_{row['language']}_{name}", row["ndcg"])
    glue(f"wish_{row['language']}_apart_{name}", interval(row, "ahead"))
answers = wishes.pivot(index="method", columns="language", values="ndcg")
answers.round(3)
""")
md("""
TODO shelf, wishes
""")
code(
    """
world = stored("item_tokens_planted")
planted = pd.DataFrame(world["table"])
lines = planted.pivot(index="n", columns="method", values="ndcg")
axes = lines.plot(logx=True, marker="o", ylim=(0, None))
axes.set(xlabel="readers", ylabel="NDCG@10", xticks=lines.index)
axes.set_xticklabels(lines.index)
plt.show()
most = planted[planted["n"] == planted["n"].max()].set_index("method")
for name, row in most.iterrows():
    glue(f"world_{name.split()[-1]}", row["ndcg"])
    glue(f"world_apart_{name.split()[-1]}", interval(row, "ahead"))
rivals = most.drop(index=[ours, "the world's own chances"])
assert (rivals["ahead_low"] > 0).all()
""",
    alt="NDCG@10 over the number of readers, on a logarithmic axis: codes from vectors rise towards the world's own chances, all others stay low.",
)
md("""
TODO planted
""")
exec(open("part4.py").read())
