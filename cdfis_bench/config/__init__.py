"""From the command line to objects: the typed root, resolvers, and what instantiates."""
