"""`python -m tests.bench.scale`: searches and histories on data sets of many runs."""
