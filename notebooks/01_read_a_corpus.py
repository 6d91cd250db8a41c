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
# # 1 Read a corpus
#
# > **No person wrote these posts.** `discourse simulate` made them, with known truth. Only the dates of the events are real.
#
# You have an export: a file of posts from a platform. Before anything can be counted, four questions need an answer, and
# this notebook asks them in order. *Was every row read? Which side does a post speak from? In which language? Whose words
# are they?* None of them sounds like statistics, and each of them can ruin a result that looks perfect.

# %% [markdown]
# ## Was every row read?
#
# **Why it comes first.** A row that disappears without a word is the worst fault there is: nobody looks for it. So every row
# that is read ends in one of three places. It is *accepted*, it is a *duplicate* of a post that is there already, or it is
# *quarantined*: set aside, with a reason. The three add up to what was read.
#
# The red box below is a warning and is meant to be seen: some rows of this export could not be read.

# %%
from pathlib import Path

import polars as pl

import discourse as ds

demo, key = Path("../corpora/demo"), ds.Key.made_up("demo")
with ds.Progress("reading posts") as progress:
    corpus = ds.read_posts(demo / "posts.jsonl.zst", key=key, progress=progress)
ds.show(corpus.files)

# %% [markdown]
# The `key` turns the names of accounts into pseudonyms while the file is read: nothing after this line ever sees a handle.
# With your own data leave `key` out; a private one is made for you and kept outside of the project.
#
# Why were rows set aside? The reasons never hold any text, only what was wrong.

# %%
corpus.quarantine.group_by("outcome", "reason").len("rows").sort("outcome", "reason")

# %% [markdown]
# ### Exercise 1
#
# An exercise is two cells. Put your answer in the place of `None`, run the cell, then run the check below it. The check says
# *not yet* as long as the answer is `None`; it says *right*; or it stops with an error that tells you where to look.
#
# How many of the rows that were read did **not** become a post of the corpus? Look at the first table.

# %% tags=["exercise"]
not_accepted = None

# %% tags=["check"]
lost = (corpus.files["duplicates"] + corpus.files["quarantined"]).sum()
assert not_accepted is None or not_accepted == lost, (
    "Add up what is not accepted: the duplicates and the quarantined rows.")
print("not yet" if not_accepted is None else "right")

# %% [markdown]
# ## Which side does a post speak from?
#
# We want to compare two publics, so each post needs a side. It is tempting to guess: Dari is spoken in Afghanistan, so a post
# in Dari is Afghan. **Do not.** Then "the Afghan side writes in Dari" would be true by definition, and a refugee in Peshawar
# would count for Kabul. Sides come from evidence that says where somebody speaks from, in a fixed order: a list of accounts,
# a geotag, a place named in the profile. Without evidence the side stays *unknown*, which is a group of its own and is shown
# beside the others. Nothing is inferred about a person; the side is that of the post, for counting.

# %%
sides = ds.Sides.from_toml(demo / "sides.toml").bind(key)
corpus = corpus.with_sides(sides)
ds.show(sides.evidence(corpus))

# %% [markdown]
# *How to read it.* Most sides rest on a named place, which is the weakest evidence of the three: people joke about where they
# live. Two things could go wrong: the places of one side may be easier to recognise, and those who name none may talk
# differently. That is why the unknown are never dropped. "Withheld" hides numbers about a handful of authors, and one more
# number from which they could be worked out.

# %% [markdown]
# ## In which language, and with what feeling?
#
# `with_text` adds the language, a normal form of the text (one spelling for letters that only look different) and, for
# English, a sentiment score from -1 to 1. VADER is a list of English words, so **other languages have no score**. A score of
# 0 would say "neutral", which is a finding; *missing* says "not measured", which is the truth.

# %%
corpus = ds.with_text(corpus)
tongues = corpus.posts.group_by("lang").agg(
    posts=pl.len(),
    authors=pl.col("author_id").n_unique(),
    with_sentiment=pl.col("sentiment").is_not_null().mean(),
)
tongues.filter(pl.col("authors") >= 10).sort("posts", descending=True)  # nothing of fewer than ten people

# %% [markdown]
# ## Whose words are they?
#
# A repost repeats somebody else's words. It shows reach, not a new opinion, so the measured **population** is original posts,
# replies and quotes. Copies (the same text again) are marked: ten thousand copies of one slogan are one message and perhaps one
# office. Every step is written down with the number of posts before and after; this history is part of every report.

# %%
whole = ds.with_copies(corpus)
measured = ds.Population(kinds=("original", "reply", "quote")).of(whole)
measured

# %% [markdown]
# *How to read it.* Follow the history from top to bottom: it must begin with the rows that were read and end with the posts
# that are measured, and you should be able to say why each number got smaller. A step you cannot explain is a mistake or a
# decision, and a decision belongs into the text of your study.

# %% [markdown]
# ### Exercise 2
#
# Which share of the **measured** posts has a sentiment score at all? Give a number from 0 to 1, to two decimals. (A hint: the
# language table gives a rough answer; `measured.posts["sentiment"]` gives the exact one.)

# %% tags=["exercise"]
with_score = None

# %% tags=["check"]
true_share = measured.posts["sentiment"].is_not_null().mean()
assert with_score is None or abs(with_score - true_share) <= 0.01, (
    "Count the posts whose sentiment is not null, and divide by all.")
print("not yet" if with_score is None else "right")

# %% [markdown]
# ### Exercise 3
#
# Some studies leave replies out, because a reply is written to one person. Make that population from `whole`: originals only,
# with the same function as above. Then print it. What does the last line of its history say?

# %% tags=["exercise"]
originals = None

# %% tags=["check"]
only = whole.posts.filter(pl.col("kind") == "original").height
assert originals is None or len(originals) == only, (
    "Ask ds.Population for one kind, ('original',), and apply it .of(whole).")
print("not yet" if originals is None else "right")
