"""The table on the terminal."""

from benchmark.rows import Row
from benchmark.targets import TARGETS


def print_row(row: Row) -> None:
    target = TARGETS.get(row.id)
    value = "-" if row.value is None else f"{row.value:.3g}"
    spread = "" if row.low is None else f"{row.low:.3g}..{row.high:.3g}"
    must = "" if target is None else str(target)
    print(
        f"{row.what:46}{row.data:23}{value:>8}{spread:>15}{must:>9}{row.verdict:>5}  {row.note}",
        flush=True,
    )


def print_verdicts(rows: list[Row], void: list[str], seconds: float) -> None:
    judged = [row for row in rows if row.verdict]
    met = sum(row.verdict == "yes" for row in judged)
    print(f"\n{met} of {len(judged)} targets met; {seconds:.0f} s")
    for reason in void:
        print(f"VOID: {reason}; run it again on an idle machine")
