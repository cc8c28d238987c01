"""The context, the registry and the dispatch of handlers, independent of where a service keeps its state."""
