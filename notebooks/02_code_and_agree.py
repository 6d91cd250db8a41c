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
# # 2 Code and agree
#
# > **No person wrote these posts.** They are made up, and so are the two coders whose labels you will see.
#
# A computer can sort a million posts, but it cannot say what "nationalist" means. People do that: they write down rules (the
# *codebook*), read posts one by one, and *code* each by the rules. Everything that follows stands on these codes. If two
# people who read the same rules disagree about half of the posts, no classifier and no statistics will mend it.

# %% [markdown]
# ## The codebook
#
# Each variable has values with a definition, in the languages of the coders. "One post is one unit" and "code what the words
# do, not what you know about the author" are rules as well, and matter as much.

# %%
import tempfile
from pathlib import Path

import polars as pl

import discourse as ds

book = ds.Codebook.from_toml("../corpora/codebook.toml")
book

# %% [markdown]
# ## Be a coder
#
# Here are four posts that were made up for the codebook, one for each frame. Code them *before* you look anywhere else.

# %%
frames = book.variable("frame").values
made_up = sorted((value.examples[0].text, value.value) for value in frames)
posts = pl.DataFrame(made_up, schema=["text", "code"], orient="row")
print(*posts["text"], sep="\n")

# %% [markdown]
# ### Exercise 1
#
# Put in your codes as a list of four words, in the order of the posts above: each of `"nationalist"`, `"conciliatory"`, `"both"`
# and `"neither"` once.

# %% tags=["exercise"]
mine = None

# %% tags=["check"]
hits = sum(one == other for one, other in zip(mine or [], posts["code"]))
assert mine is None or (len(mine), hits) == (4, 4), (
    f"{hits} of 4 are as the codebook has them: read the definitions of the others.")
print("not yet" if mine is None else "right")

# %% [markdown]
# ## How coders work
#
# Each coder gets an offline page: one file, no network, posts in an order of its own, no names of authors. Two coders work
# **alone** and on the **same** posts; talking about posts beforehand would measure friendship instead of the codebook. Open
# the file of a page in a browser to see what they see (it is gone when this notebook is closed).

# %%
folder = tempfile.TemporaryDirectory()
numbered = pl.format("example:{}", pl.int_range(pl.len()))
sample = posts.select("text", post_id=numbered, lang=pl.lit("en"))
pages = ds.write_sheets(sample, book, folder.name, coders=["anna", "bilal"], seed=7)
[page.name for page in pages]

# %% [markdown]
# ## Two coders, 3,636 posts
#
# The labels of the demonstration were coded twice. Where the two differed, they settled on one value together. Some labels
# will *train* a classifier, others (the **gold**) will *measure* it. They are never mixed: who grades with the questions that
# were practised gives everybody full marks.

# %%
labels = ds.read_labels(Path("../corpora/demo/labels.csv"), book)
labels

# %% [markdown]
# ## Did they agree?
#
# Two coders who choose at random agree now and then. If nine posts in ten were *neither*, they would agree on four in five
# without reading one. **Krippendorff's alpha** takes that away: 1 is perfect, 0 is what chance gives, below 0 is worse than
# chance. The interval says how much alpha would move if other posts of the same kind had been coded. (Values that coders
# settled on together are left out: agreement after talking is no agreement.)

# %%
ds.show(ds.agreement(labels, "frame", seed=7, replicates=200))

# %% [markdown]
# *How to read it.* Look at the **lower end**: by custom 0.80 carries firm conclusions and 0.67 tentative ones. And never stop at
# one number. An alpha over all values can hide that coders agree on what is easy and guess what is rare:

# %%
details = ds.agreement_table(labels, "frame", seed=7, replicates=200)
ds.show(details)

# %% [markdown]
# *What could go wrong.* (1) Coders who are too alike: two friends from one seminar agree with each other, not with your
# readers. (2) Posts that are too easy: agreement on a sample of slogans says nothing about irony. (3) A rare value: with
# five posts of a kind its interval is as wide as the scale, and then it is withheld.

# %% [markdown]
# ### Exercise 2
#
# On which frame do the coders agree **least**, by Krippendorff's alpha of the single values? Why might that be, given what the
# codebook says about it?

# %% tags=["exercise"]
hardest = None

# %% tags=["check"]
alphas = details.filter((pl.col("statistic") == "alpha") & (pl.col("class") != "all")).sort("estimate")
assert hardest is None or hardest == alphas["class"][0], (
    "Compare the rows \"Krippendorff's alpha\" of the four frames: the smallest.")
print("not yet" if hardest is None else "right")

# %% [markdown]
# ### Exercise 3
#
# Take the custom of 0.80 by its word and look at the lower end of the interval. May one draw *firm* conclusions about that frame
# alone? Answer `True` or `False`.

# %% tags=["exercise"]
firm = None

# %% tags=["check"]
assert firm is None or firm == (alphas["low"][0] >= 0.80), (
    "It is the lower end that must reach 0.80, not the estimate.")
print("not yet" if firm is None else "right")
