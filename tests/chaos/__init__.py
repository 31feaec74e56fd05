"""A seeded campaign of accidents and attacks on the command line: `python -m tests.chaos --help`.

It knows the command line and the files of a results folder, and nothing else of the package.
"""
