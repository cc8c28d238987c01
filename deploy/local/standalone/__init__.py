"""All of Warren in one process, with embedded servers."""
