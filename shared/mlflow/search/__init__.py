"""MLflow's search language: filter strings, order_by clauses and page tokens.

A filter is text first, then tokens (`lexer`), clauses (`clauses`) and comparisons (`parser`, `ast`).
`grammars` says what each noun allows. `sql` and `keyset` turn comparisons and orders into SQL with
bound values. They know no tables, so each service composes its own searches from them.
"""
