"""Warren on one machine without containers: standalone, the stack, embedded servers."""
