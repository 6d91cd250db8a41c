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
# # 5 An event study
#
# > **No person wrote these posts.** The events and their dates are real; what posts said around them is made up, with known truth.
#
# On 24 December 2024 there were air strikes. Did the talk change? "It went up afterwards" is not an answer: it might have gone up
# anyway. An event study asks a sharper question: **by how much did the series leave the path it was on, on that day?** And it asks
# twice as hard whether we would be fooling ourselves.

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
# ## A daily series
#
# Days instead of weeks, so that "on that day" means something. There are too few gold labels for each day, so those of a side serve all
# its days (`gold_within="side"`), and many days have fewer than 30 authors; we ask for them all the same (`force=True`), since the event
# study joins the days again. Both are **choices with a price**. The first assumes that the classifier errs alike before
# and after, and if it does not, a true change looks smaller than it is.

# %%
model = ds.FramingClassifier(seed=7).fit(corpus, labels.training)
learnt = pl.col("post_id").is_in(labels.training.frame["post_id"].implode())
framed = model.predict(corpus.keep(~learnt, "training", "seen by the classifier"))
observed = ds.observe(framed.posts, framed.table, labels.gold.frame)
plan = ds.Plan(every="1d", gold_within="side", force=True, replicates=200)
daily = ds.over_time(ds.Prevalence("nationalist"), observed, plan=plan, seed=7)
events = ds.read_events("../corpora/events.csv")
ds.show(ds.plot_shares(daily, "nationalist", events=events, sides=["afghanistan"]))

# %% [markdown]
# Choose the day **before** you look, from a list of events that others made. A day chosen because the line jumps there will always
# look like an event. Choose the plan beforehand as well: how many days before and after.

# %%
afghan, pakistani = (daily.drop_nulls("estimate").filter(side=side) for side in ("afghanistan", "pakistan"))
around = ds.EventPlan(before=56, after=28)
ds.show(ds.event_study(afghan, "2024-12-24", plan=around))

# %% [markdown]
# *How to read it.* The first row is the answer: the share left its path by so many points, and the bracket is what the data allow.
# Then the checks, which matter more than the answer:
#
# - **Did it move before?** If the weeks before differ among themselves, something was going on already. You want a *large* p here.
# - **Was there a straight line?** The change is measured against a line drawn on from the days before. If there was no line,
#   there is nothing to be measured against.
# - **Dates without an event.** The same model on quiet dates. If half of them look as large, this one is nothing special. With ten
#   dates p cannot be below 0.09: it is a line of support, not a test of its own.
#
# *Mean change since* includes the fading: a jump that is gone after two weeks has a large first row and a small second one.

# %% [markdown]
# ## When nothing can be told
#
# The closing of Torkham on 21 February, as seen from Pakistan:

# %%
ds.show(ds.event_study(pakistani, "2025-02-21", plan=around))

# %% [markdown]
# "No effect can be told" is not "there was no effect". It says that these data cannot tell them apart, and why. Write exactly that into
# your study. The most expensive mistake in this notebook is to try other days, windows and models until something is "found".

# %% [markdown]
# ## When it looks found, and is not
#
# The same day, as seen from Afghanistan. Look at the first row alone and you would publish it:

# %%
closing = ds.event_study(afghan, "2025-02-21", plan=around)
ds.show(closing)

# %% [markdown]
# The interval leaves out 0 by far. But the weeks before moved as well (they were still coming down from the strikes), so the line
# that was continued is the wrong line. The truth, which only a made-up corpus has, before and after the strikes and before and
# after the closing:

# %%
days = ["2024-12-23", "2024-12-26", "2025-02-20", "2025-02-23"]
truth = pl.read_csv(demo / "truth.csv").filter(pl.col("day").is_in(days), frame="nationalist", side="afghanistan")
truth.select("day", "share")

# %% [markdown]
# ### Exercise 1
#
# By how many **points** did the true share change from 20 to 23 February? (A share of 0.40 is 40 points.) Compare it with what the last study claimed.

# %% tags=["exercise"]
true_points = None

# %% tags=["check"]
assert true_points is None or abs(true_points - 100 * truth["share"].diff()[3]) <= 1, "The last share less the one above."
print("not yet" if true_points is None else "right")

# %% [markdown]
# ### Exercise 2
#
# May one say, from the last study, that the closing of Torkham changed the talk in Afghanistan? `True` or `False`.

# %% tags=["exercise"]
can_be_told = None

# %% tags=["check"]
assert can_be_told in (None, closing.pretrend.p >= 0.05), "The interval is not enough: did it move before?"
print("not yet" if can_be_told is None else "right")

# %% [markdown]
# ### Exercise 3
#
# Try a **quiet** date yourself: run `ds.event_study` on `pakistani` with the plan `around`, at a date in January or February
# that is at least two weeks from every event in `events`. What does `show` say of it?

# %% tags=["exercise"]
quiet = None

# %% tags=["check"]
near = [str(day) for day in events["start"] if quiet is not None and abs(day.toordinal() - quiet.t0) < 14]
assert not near, f"Less than two weeks from {' and '.join(near)}: that is no quiet date."
print("not yet" if quiet is None else "right")
