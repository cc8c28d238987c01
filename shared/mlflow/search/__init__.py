"""MLflow's search language: filter strings, order_by clauses and page tokens.

A filter goes text -> tokens (`lexer`) -> comparisons (`parser`, `ast`), checked against what the
searched noun allows (`grammars`). `sql` and `keyset` turn the result into bound SQL; they know
no table, so every service composes its own searches from them.
"""
