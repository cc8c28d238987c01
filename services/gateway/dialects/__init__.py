"""The dialects: the differences between the APIs of the gateway. Each dialect has its module."""
