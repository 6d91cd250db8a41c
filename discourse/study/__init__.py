"""From a study file to its results: the only place that knows the order of the stages."""
