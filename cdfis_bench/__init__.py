"""cdfis_bench: a benchmark suite for online batch selection (training on the N of K candidates that
matter most).
"""

__version__ = "0.1.0"
