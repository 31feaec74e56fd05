"""Titles and labels that come from users or records: drawn letter by letter, and made to fit."""

import textwrap
import unicodedata

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

ENTRY_LETTERS = 40  # of a legend entry or tick label, before it is continued on the next line
_TITLE_LETTERS_PER_INCH = 9.5  # at size 11


def one_line(text: str) -> str:
    """The text with every control character, line break and run of spaces as one space."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return " ".join(plain.split())


def wrapped(text: str, letters: int, lines: int) -> str:
    """The text in lines of at most `letters`; what does not fit into `lines` becomes "…"."""
    parts = textwrap.wrap(one_line(text), max(letters, 8), break_long_words=True)
    if len(parts) > lines:
        parts = [*parts[: lines - 1], parts[lines - 1][: max(letters, 8) - 1].rstrip() + "…"]
    return "\n".join(parts)


def entry(text: str) -> str:
    """The text as a legend entry or the name of a row.

    matplotlib leaves entries that begin with an underscore out of a legend; an invisible character
    before it keeps them.
    """
    shown = wrapped(text, ENTRY_LETTERS, 3)
    return f"\N{WORD JOINER}{shown}" if shown.startswith("_") else shown


class _PlainLog(LogFormatter):
    """The numbers that LogFormatter would label, as 0.02 instead of 2e-02."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def put_title(figure: Figure, text: str, legend_inches: float = 0, lines: int = 2) -> None:
    """Writes the title at the top left, in at most `lines` that end before a legend's column."""
    letters = int((figure.get_figwidth() - legend_inches) * _TITLE_LETTERS_PER_INCH)
    figure.suptitle(wrapped(text, letters, lines), x=0.01, ha="left")


def plain_log_ticks(axis: Axis) -> None:
    """Numbers such as 0.01 on a logarithmic axis: its usual 10^-2 is a formula.

    Formulas are switched off in all figures, because a title may contain "$".
    """
    axis.set_major_formatter(_PlainLog())
    axis.set_minor_formatter(_PlainLog(minor_thresholds=(1.0, 0.4)))
