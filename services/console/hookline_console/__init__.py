"""The web page over the REST API, and nothing else: it holds no state of its own."""
