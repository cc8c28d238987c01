"""The dialects: the differences between the APIs of the gateway. Each dialect is a class."""
