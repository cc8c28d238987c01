"""Warren's version. It stands here alone: neither a checkout nor the image holds package metadata."""

VERSION = "0.2.0"
