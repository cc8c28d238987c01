"""Warren's version. It is defined here only: neither a checkout nor the image holds package metadata."""

VERSION = "0.2.0"
