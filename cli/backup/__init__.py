"""``warren backup`` and ``warren restore``: everything that Warren keeps, in one directory of plain files."""
