"""Commands for developers: generated pages, an audit of the dependencies, a demo."""
