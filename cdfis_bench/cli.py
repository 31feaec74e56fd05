"""The command line: runs the app, and answers mistakes in one sentence instead of a traceback."""

import os
import signal
import sys

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.app import main
from cdfis_bench.config.error_messages import sentence
from cdfis_bench.config.hints import check_groups
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.interrupts import Terminated, raise_if_interrupted, remember_interrupts
from cdfis_bench.core.printable import os_sentence
from cdfis_bench.runner.output import keep_output


def run() -> None:
    """Entry point of `python -m cdfis_bench` and of the console script.

    Exits with 1 after a mistake or a failed run, with 130 after an interrupt and with 143 after
    SIGTERM. With HYDRA_FULL_ERROR=1 in the environment, mistakes show their traceback.
    """
    keep_output()
    remember_interrupts()
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        main()
        return
    # Hydra would print its own message and exit; with this variable it raises the exception.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        check_groups(sys.argv[1:])
        main()
        raise_if_interrupted()
    except (HydraException, OmegaConfBaseException, UserError) as error:
        print(f"cdfis_bench: {sentence(error)}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:  # a full disk or missing permissions, where no run records it
        print(f"cdfis_bench: {os_sentence(error)}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would end in a traceback
        message = "interrupted; finished runs are kept, and the same command continues from there"
        print(f"\ncdfis_bench: {message}", file=sys.stderr)
        sys.exit(143 if isinstance(interrupt, Terminated) else 130)
