"""Types, base classes, random streams and checks that every other package uses."""
