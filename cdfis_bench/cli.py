"""The command: runs the app, and answers mistakes in one sentence instead of a traceback."""

import os
import sys

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.app import main
from cdfis_bench.config.error_messages import sentence
from cdfis_bench.core.errors import UserError


def run() -> None:
    """Entry point of `python -m cdfis_bench` and of the console script.

    Exit code 1 after a mistake or a failed run, 130 after an interrupt. HYDRA_FULL_ERROR=1 in the
    environment shows tracebacks.
    """
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        main()
        return
    # Hydra would print its own wording and exit; with this it lets the exception through to us.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        main()
    except (HydraException, OmegaConfBaseException, UserError) as error:
        print(f"cdfis_bench: {sentence(error)}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # `--help | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        told = "stopped; finished runs are kept, the same command goes on from there"
        print(f"\ncdfis_bench: {told}", file=sys.stderr)
        sys.exit(130)
