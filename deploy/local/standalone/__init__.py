"""Everything in one process, on embedded servers."""
