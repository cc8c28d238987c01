"""``warren backup`` and ``warren restore``: all of Warren's data in one directory of plain files."""
