"""Warren's own version, at the one place that has it: a checkout and a container hold no package's metadata."""

VERSION = "0.1.0"
