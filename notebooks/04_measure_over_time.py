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
# # 4 Measure over time
#
# > **No person wrote these posts.** Their truth is known, so this notebook can do what no real study can: look it up at the end.
#
# How much of the talk was nationalist, on each side, week by week? Counting what the classifier says is quick and wrong: it errs,
# and it errs in one direction. Here the count is **corrected** with gold labels, and each number has an interval.

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
# ## Predictions and gold, side by side
#
# The classifier has seen its training posts, so they are taken out. Of the others, some were drawn at random and coded by people:
# the gold. `observe` puts what the classifier said and what the coders said beside each other, and refuses a label that fits no post.

# %%
model = ds.FramingClassifier(seed=7).fit(corpus, labels.training)
learnt = pl.col("post_id").is_in(labels.training.frame["post_id"].implode())
framed = model.predict(corpus.keep(~learnt, "training", "seen by the classifier"))
observed = ds.observe(framed.posts, framed.table, labels.gold.frame)

# %% [markdown]
# ## The correction, in one example
#
# The classifier calls 100 posts nationalist and 100 not. Coders read 20 of each. Of the first, 16 really are; of the second, 4 are.
# Then about 80 + 20 = 100 of the 200 posts are nationalist. If the mistakes were lopsided, say 12 and 0, the answer
# would be 60, although the classifier still says 100. That is all: **the classifier sorts the posts, the gold says what is in each
# pile**. (The method is called post-stratification.) It asks for one thing: the gold must be drawn at random, in each week and on
# each side.

# %%
share, gap = ds.Prevalence("nationalist"), ds.Polarization("net-tone-gap")
corrected = ds.over_time([share, gap], observed, plan=ds.Plan(every="1w", replicates=200, shuffles=100), seed=7)
ds.show(corrected)

# %% [markdown]
# *How to read a cell.* "51 % (45 to 57)": our best guess is 51 %, and the data are compatible with anything from 45 to 57. The
# interval is over **authors**: in each round some are left out and some counted twice, because forty posts by one person are not
# forty opinions. It holds the errors of the classifier, too. It does *not* hold what nobody measured: deleted posts, people who are
# silent, the platform's own choice of what to hand out.
#
# *Withheld* is not zero. Fewer than about 30 authors give no interval worth the name, so there is none. Do not fill the gap.

# %%
events = ds.read_events("../corpora/events.csv")
ds.show(ds.plot_shares(corrected, "nationalist", events=events))

# %% [markdown]
# ## Are the two sides apart?
#
# The *net tone* of a side is its nationalist minus its conciliatory share; the gap is the difference of the two. A gap is never
# exactly 0, even if the sides were labels drawn from a hat. So shuffle the sides among the authors many times: the grey band
# is the gap that **chance** makes. Only what leaves the band, and whose own interval leaves out 0, is a difference.

# %%
ds.show(ds.plot_polarization(corrected, "net-tone-gap", events=events))

# %% [markdown]
# ### Exercise 1
#
# In how many weeks does the interval of the **gap** leave out 0? (With 5 weeks in 100 that happens by chance alone; keep this in
# mind before you explain it.) The second table has the answer.

# %% tags=["exercise"]
weeks_apart = None

# %% tags=["check"]
apart = corrected.filter(pl.col("low") * pl.col("high") > 0, measure=repr(gap)).height
assert weeks_apart in (None, apart), "Count the rows of the second table whose two ends have the same sign."
print("not yet" if weeks_apart is None else "right")

# %% [markdown]
# ## Look up the truth
#
# The naive count of the same predictions, the corrected share, and the truth:

# %%
naive = ds.over_time(share, observed, plan=ds.Plan(method="cc", replicates=200), seed=7)
truth = ds.windowed_truth(pl.read_csv(demo / "truth.csv", try_parse_dates=True), "1w")
both = pl.concat([corrected.filter(measure=repr(share)), naive])
ds.show(ds.plot_truth(both, truth, "nationalist"))

# %% [markdown]
# An interval of 95 % should hold the truth in about 95 of 100 windows. Does it?

# %%
known = both.join(truth.filter(frame="nationalist"), on=["window", "side"]).drop_nulls("estimate")
inside = pl.col("share").is_between("low", "high").mean()
known.group_by("method").agg(windows=pl.len(), held=inside).sort("method")

# %% [markdown]
# `cc` counts what the classifier says, `poststrat` is corrected. The naive intervals are narrower and miss far more often than they
# promise. They have to: they know how many posts were counted, and nothing of how often the classifier is wrong. A narrow interval
# around a wrong number is worse than none.

# %% [markdown]
# ### Exercise 2
#
# In which share of the windows did the **naive** interval hold the truth? Two decimals.

# %% tags=["exercise"]
naive_held = None

# %% tags=["check"]
held = known.filter(method="cc").select(inside).item()
assert naive_held is None or abs(naive_held - held) <= 0.01, "Read the column 'held' in the row 'cc'."
print("not yet" if naive_held is None else "right")

# %% [markdown]
# ### Exercise 3
#
# Make a plan that measures by **month** (`"1mo"`) and still corrects. What do you gain, and what can you no longer see?

# %% tags=["exercise"]
monthly = None

# %% tags=["check"]
assert monthly is None or monthly.every == "1mo" and monthly.method == "poststrat", "Set 'every' and nothing else."
print("not yet" if monthly is None else "right")
