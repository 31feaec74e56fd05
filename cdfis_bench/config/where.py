"""Location of conf/: next to the package in a checkout, inside it when installed."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def conf_dir() -> Path:
    """The absolute path of conf/.

    That of a checkout takes precedence, so that an editable install never reads a stale copy.
    """
    checkout = PACKAGE.parent / "conf"
    # Something else called conf may lie beside an installed package (site-packages/conf).
    in_checkout = (PACKAGE.parent / "pyproject.toml").is_file()
    return checkout if in_checkout and checkout.is_dir() else PACKAGE / "conf"
