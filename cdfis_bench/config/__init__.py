"""From the command line to objects: the typed root, resolvers, and the one place that instantiates."""
