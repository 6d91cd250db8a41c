# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3 Train and judge
#
# > **No person wrote these posts.** In them the same phrases come back again and again, so the classifier looks far better here
# > than it would on real posts. What you learn is how to judge it, not how good it is.
#
# Coders have read 600 posts; eleven thousand are waiting. A *classifier* learns from the 600 which words go with which frame and
# sorts the rest. It will make mistakes. This notebook asks how many, on whom, and how one can fool oneself about it.

# %% [markdown]
# First the corpus of notebook 1 and the labels of notebook 2, in six lines.

# %%
import warnings
from pathlib import Path

import polars as pl

import discourse as ds
from discourse.errors import QuarantineWarning

warnings.simplefilter("ignore", QuarantineWarning)  # the rows that notebook 1 told of
demo, key = Path("../corpora/demo"), ds.Key.made_up("demo")
sides = ds.Sides.from_toml(demo / "sides.toml").bind(key)
corpus = ds.read_posts(demo / "posts.jsonl.zst", key=key).with_sides(sides)
corpus = ds.Population().of(ds.with_copies(ds.with_text(corpus)))
labels = ds.read_labels(demo / "labels.csv", ds.Codebook.from_toml("../corpora/codebook.toml"))

# %% [markdown]
# ## Judge on posts it has not seen
#
# **Why.** A classifier that has seen a post remembers it. To know how it does on new posts, hide some: learn on two thirds, test on
# the last third, and change places until each post was tested once. Two more things must be hidden together, or the test
# leaks: posts by **one author** (people repeat themselves) and **copies** of one text. The package keeps each of them on one side
# of the cut and refuses a split that does not.
#
# A score means nothing without something to hold it against. So three simple opponents are judged on the same posts: *plain*
# (counting words, the textbook method), a *lexicon* (a list of words per frame), and the *majority* (always the same answer).

# %%
training = labels.training.frame.select("post_id", "value")
how = {"seed": 7, "folds": 3, "replicates": 200}
watched = ds.Progress("judging", of=3)
judged = ds.evaluate(ds.FramingClassifier(seed=7), corpus, training, **how, progress=watched)
ds.show(judged.scores)

# %% [markdown]
# *How to read it.* **F1** of a frame asks two things at once: of the posts it called conciliatory, how many are? Of those that are, how
# many did it find? It is 1 if both are perfect. **Macro-F1** is the mean over the frames, so that a rare frame counts as
# much as a frequent one; always saying "neither" would be right often and would have a macro-F1 near zero.
#
# The rows with a minus are **differences on the same posts**. If the interval of a difference leaves out 0, one is better than the
# other beyond chance. Do not compare two intervals by eye instead: they may overlap although the difference is clear.
#
# Then the groups: a classifier that is good on average and bad in Pashto would bend every comparison of the two sides.

# %%
ds.show(ds.plot_confusion(judged.confusion))

# %% [markdown]
# Each row is what coders said, each column what the classifier made of it. The diagonal is right. Look at where the mistakes
# go: if conciliatory posts are mostly called nationalist, a count of nationalist posts is too high, always in the same direction.
# More posts do not help against that. Notebook 4 corrects it.

# %% [markdown]
# ### Exercise 1
#
# By how much is the macro-F1 of the classifier above that of *plain*? Two decimals. Is 0 in the interval?

# %% tags=["exercise"]
better_by = None

# %% tags=["check"]
row = judged.scores.filter(model="classifier - plain", metric="macro_f1", group="all")
assert better_by is None or abs(better_by - row["estimate"][0]) <= 0.01, (
    "It is in the row 'classifier - plain' of the first table.")
print("not yet" if better_by is None else "right")

# %% [markdown]
# ## How to fool yourself
#
# Now the mistake that everybody makes once. Train on all labels, and ask about *the same* posts:

# %%
model = ds.FramingClassifier(seed=7).fit(corpus, labels.training)
seen = corpus.keep(pl.col("post_id").is_in(training["post_id"].implode()), "seen", "the posts it was trained on")
answers = model.predict(seen).table.join(training, on="post_id")
cheating = (answers["predicted"] == answers["value"]).mean()
honest = (judged.predictions["classifier"] == judged.predictions["value"]).mean()
print(f"right on posts it has seen: {cheating:.0%}; on posts it has not: {honest:.0%}")

# %% [markdown]
# The difference is memory, not skill. For the same reason the posts that trained a classifier are left out when shares are measured.

# %% [markdown]
# ## Would more labels help?
#
# Coding costs weeks. The *learning curve* trains on fewer labels, always tests on the same posts, and says what each step bought.

# %%
how |= {"sizes": [50, 150, 400], "progress": ds.Progress("curve", of=9)}
curve = ds.learning_curve(ds.FramingClassifier(seed=7), corpus, training, **how)
ds.show(curve)

# %% [markdown]
# ### Exercise 2
#
# Which frame does the classifier recognise **worst**, by F1? Compare it with the frame that coders found hardest in notebook 2.

# %% tags=["exercise"]
worst = None

# %% tags=["check"]
by_frame = judged.scores.filter(model="classifier", group="all", metric="f1").sort("estimate")
assert worst is None or worst == by_frame["class"][0], "Look along 'classifier' for the smallest F1."
print("not yet" if worst is None else "right")

# %% [markdown]
# ### Exercise 3
#
# Was the last step of the curve still worth it: does the interval of its gain leave out 0? `True` or `False`.

# %% tags=["exercise"]
still_gains = None

# %% tags=["check"]
assert still_gains in (None, curve["gain_low"][-1] > 0), "Last row: is the lower end of the gain above 0?"
print("not yet" if still_gains is None else "right")
