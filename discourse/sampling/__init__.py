"""Which posts are given to coders, with the chance of each, and what an interval costs in labels."""
