"""Named queries of the traces service, one file for each noun."""
