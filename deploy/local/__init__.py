"""Warren on one machine without containers: as one process, as a stack of processes, and their embedded servers."""
