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
# # 7 Your own data
#
# > **No person wrote these posts.** A made-up forum stands in for your export; put your own file in its place.
#
# From a file of your own to a first figure, with everything that the other notebooks taught. Everything is written to a
# temporary folder that is gone when this notebook is closed. With real data choose a private folder outside of the project,
# and ask first whether you may: read `docs/ethics.md` before you collect anything.

# %%
import tempfile
from pathlib import Path

import polars as pl

import discourse as ds

folder = tempfile.TemporaryDirectory()
place = Path(folder.name)
written = ds.write_practice(place, seed=7)
pl.read_csv(place / "posts.csv").columns

# %% [markdown]
# ## Say what the columns are
#
# Exports of X, YouTube, Telegram, Reddit and a good twenty other sources need nothing: their format is told from the content. A table of your own needs a
# **mapping**: which column holds what. Four fields must be there: an id, an author, a time and a text.
#
# *What could go wrong.* **Times.** A clock that does not say its zone is the most frequent fault in such data: read as UTC, an evening in Karachi becomes the
# next day, and an event seems to have been known before it happened. So a mapping must name the zone.

# %%
columns = {"id": "msg_id", "author": "member_id", "created_at": "posted", "text": "message", "kind": "kind"}
mapping = ds.Mapping("forum", {**columns, "location": "home", "country": "country_code"}, timezone="Asia/Karachi")
key = ds.Key.made_up("practice")  # with your own data leave it out: a private key is made for you
watched = ds.Progress("importing")
done = ds.import_posts(place / "posts.csv", place / "corpus", mapping=mapping, key=key, progress=watched)
corpus = ds.load_corpus(place / "corpus")
ds.show(corpus.files)

# %% [markdown]
# Importing the same file again changes nothing, and next month's file is added to the same corpus. Whether a row is new is decided by its id.

# %% [markdown]
# ### Exercise 1
#
# Import the same file once more, with the same arguments, and keep what comes back in `again`. How many of its rows are accepted now?

# %% tags=["exercise"]
again = None

# %% tags=["check"]
assert again is None or again.inputs[0].accepted == 0, "Rows were accepted: give the same file, folder and key."
print("not yet" if again is None else "right: nothing was added")

# %% [markdown]
# ## Sides, text, population
#
# The rules for sides are a short file that you write. Copy `corpora/demo/sides.toml` and change the lists; the named places are built in.

# %%
sides = ds.Sides.from_toml("../corpora/demo/sides.toml").bind(key)
measured = ds.Population().of(ds.with_copies(ds.with_text(corpus.with_sides(sides))))
measured

# %% [markdown]
# ### Exercise 2
#
# Which share of the measured posts has an **unknown** side (0 to 1, two decimals)? If it is more than half, say no word about "the two sides".

# %% tags=["exercise"]
unknown = None

# %% tags=["check"]
assert unknown is None or abs(unknown - measured.posts["side"].eq("unknown").mean()) <= 0.01, "Unknown posts by all posts."
print("not yet" if unknown is None else "right")

# %% [markdown]
# ## Labels, classifier, first figure
#
# A random sample of the posts was coded. Half of it trains the classifier, the other half is the gold. They are split by **author**, so that
# nobody is on both sides.

# %%
labels = ds.read_labels(place / "labels.csv", ds.Codebook.from_toml("../corpora/codebook.toml"))
labels = ds.split_roles(labels, measured.posts, training_share=0.5, seed=7)
model = ds.FramingClassifier(seed=7).fit(measured, labels.training)
learnt = pl.col("post_id").is_in(labels.training.frame["post_id"].implode())
framed = model.predict(measured.keep(~learnt, "training", "seen by the classifier"))
observed = ds.observe(framed.posts, framed.table, labels.gold.frame)
plan = ds.Plan(every="1mo", gold_within="side", replicates=200)
series = ds.over_time(ds.Prevalence("nationalist"), observed, plan=plan, seed=7)
ds.show(ds.plot_shares(series, "nationalist"))

# %% [markdown]
# ## Before you show it to anybody
#
# What the figure rests on, and what speaks against reading it. With a few hundred labels, months are what one can have, and the gold of a side speaks for all its months:
# that assumes that the classifier errs alike in all of them.

# %%
ds.show(ds.guards(observed, plan=plan))

# %% [markdown]
# ### Exercise 3
#
# Make a plan for **weeks** with the same data, and look at `show(ds.guards(observed, plan=...))`. Keep the plan in `weekly`. Would you use it?

# %% tags=["exercise"]
weekly = None

# %% tags=["check"]
assert weekly is None or weekly.every == "1w" and weekly.gold_within == "side", "Change 'every' alone, to '1w'."
print("not yet" if weekly is None else "right")

# %% [markdown]
# ## And then
#
# A study is a file, not a notebook: write what you decided into a `study.toml` (`docs/study-file.md`), and `discourse run` makes all figures, the page
# and the record of how they came about, the same bytes every time.
