"""RAIS, simplified: a sampling distribution by an upper bound on each gradient norm."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from scipy.optimize import nnls
from torch import Tensor

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.parts import WholeDatasetSelector
from cdfis_bench.core.types import Sizes, StepEnd
from cdfis_bench.selectors.step_buffer import BufferedSteps, StepBuffer


def fit_bound(features: Tensor, norms: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Fits norms v by <c, s> with uncertainty <d, s>.

    c comes from weighted non-negative least squares; d from the same on the residuals
    |v - <c, s>|, scaled so that the weighted mean of ((v - <c, s>) / <d, s>)^2 is 1.

    Args:
        features: s [m, F], >= 0.
        norms: v [m], >= 0.
        weights: [m], >= 0.

    Returns:
        (c [F], d [F]), float64, >= 0.
    """
    root = weights.sqrt().unsqueeze(1)
    design, norms = (features * root).cpu().numpy(), norms.cpu()
    root = root.squeeze(1).cpu()
    c = torch.from_numpy(nnls(design, (norms * root).numpy())[0])
    residuals = (norms - features.cpu() @ c).abs()
    d = torch.from_numpy(nnls(design, (residuals * root).numpy())[0])
    widths = features.cpu() @ d
    inside = widths > 0
    if not inside.any():  # an exact fit
        return c, d
    squares = (residuals[inside] / widths[inside]).square()
    shares = weights.cpu()[inside]
    return c, d * ((shares * squares).sum() / shares.sum()).sqrt()


def variance_gain(uniform: float, robust: float, batch: float, n: int) -> float:
    """E||g_U||^2 / E||g_R||^2 of mini-batches of n: the reduction of gradient noise.

    Args:
        uniform: Mean square of the gradient of one uniform draw.
        robust: Mean square of the weighted gradient of one draw by the distribution.
        batch: Mean square of the mini-batch's gradient.
        n: Mini-batch size.

    Source: Johnson and Guestrin 2018, section 3.4; both have the same mean gradient.
    """
    return 1 + (uniform - robust) / (n * batch) if batch > 0 else 1.0


class RobustLinearSelector(WholeDatasetSelector):
    """Draws with replacement in proportion to <c, s_i> + margin x <d, s_i>.

    This bounds the gradient norm of sample i, linearly in its features s_i: its last norm, the
    moving average of its norms, the mean norm of all samples, and 1 (for a sample that was never
    trained on, the mean norm stands for the first two). Norms are those at the logits, from the
    training pass. c and d are fitted anew by every call of `distribution`, O(n), to the last
    `window` mini-batches, weighted by 1 / (n p); a step costs O(N), most of it deferred
    (step_buffer.py). The learning rate is multiplied by the measured variance gain. Unbiased with
    weighting=unbiased.

    The paper solves for c and d by a program of its own; least squares, features, window and rates
    are ours.

    Source: Johnson and Guestrin 2018 (RAIS), sections 3.2 to 3.4.
    """

    changes_learning_rate = True

    def __init__(
        self,
        margin: float = 1.0,
        floor: float = 0.1,
        window: int = 20,
        keep: float = 0.9,
        gain_rate: float = 0.01,
        max_gain: float = 4.0,
    ) -> None:
        """Makes the selector.

        Args:
            margin: Multiple of the uncertainty that is added to the expected norm.
            floor: Share of the distribution that is uniform, in (0, 1].
            window: Mini-batches that the bound is fitted to.
            keep: Share of a sample's moving average that is kept at a new visit.
            gain_rate: Rate of the moving averages behind the variance gain.
            max_gain: The learning rate is multiplied by 1 to max_gain.
        """
        self.margin = require_number("selector.margin", margin, 0.0, 1e3)
        self.floor = require_number("selector.floor", floor, 0.0, 1.0, open_low=True)
        require(
            isinstance(window, int) and window >= 1,
            f"selector.window={window!r} must be a whole number of mini-batches, 1 or more",
        )
        self.window = window
        self.keep = require_number("selector.keep", keep, 0.0, 1.0)
        self.gain_rate = require_number("selector.gain_rate", gain_rate, 0.0, 1.0, open_low=True)
        self.max_gain = require_number("selector.max_gain", max_gain, 1.0, math.inf)
        self.learning_rate_factor = 1.0
        empty = torch.empty(0, dtype=torch.float64)
        # Last norms and their moving averages [n]; NaN: never trained on.
        self._last = self._average = empty
        self._mean = torch.full((), torch.nan, dtype=torch.float64)  # of all norms, moving
        self._moments = torch.full((3,), torch.nan, dtype=torch.float64)  # uniform, robust, batch
        # Of the last mini-batches, [m, 6]: four features, norm, weight.
        self._seen = torch.empty((0, 6), dtype=torch.float64)
        self._n = 0

    def setup(self, sizes: Sizes) -> None:
        """Starts without any norm."""
        # MPS has no float64.
        device = torch.device("cpu") if sizes.device.type == "mps" else sizes.device
        self._n = sizes.batch_size
        self._last = torch.full((sizes.train_size,), torch.nan, dtype=torch.float64, device=device)
        self._average = self._last.clone()
        self._mean, self._moments = self._mean.to(device), self._moments.to(device)
        self._seen = self._seen.to(device)
        self._buffer = StepBuffer(sizes.train_size, device, self._process)

    def on_step_end(self, step_end: StepEnd) -> None:
        """Collects the step; the distribution itself changes with the next `distribution`."""
        self._buffer.put(step_end)

    def _process(self, seen: BufferedSteps) -> None:
        """O(N) for each collected step."""
        norms, drawn = seen.norms, seen.drawn
        weights = (len(self._last) * seen.probabilities).reciprocal()  # [T, N], 1 while uniform
        batch = (weights.unsqueeze(2) * seen.gradients).mean(1).square().sum(1)
        first, second = (weights * norms.square()).mean(1), (weights * norms).square().mean(1)
        moments = torch.stack([first, second, batch], dim=1)[drawn]
        self._moments = _moved(self._moments, moments, 1 - self.gain_rate)
        self._mean = _moved(self._mean, (weights * norms).mean(1), self.keep)

        late = slice(-self.window, None)
        features = self._features(seen.rows[late].flatten())  # as the last distribution used them
        shown = torch.stack([norms[late].flatten(), weights[late].flatten()], dim=1)
        new = torch.cat([features, shown], dim=1)
        self._seen = torch.cat([self._seen, new])[-self.window * self._n :]
        self._remember(seen.rows.flatten(), norms.flatten())

    def _remember(self, rows: Tensor, norms: Tensor) -> None:
        """Stores norms [m] of rows [m], the latest last; a row may occur several times."""
        rows, which, times = rows.unique(return_inverse=True, return_counts=True)
        place = torch.arange(len(norms), device=norms.device)
        latest = torch.zeros_like(rows).scatter_reduce_(0, which, place, "amax")
        self._last.index_copy_(0, rows, norms[latest])
        mean = torch.zeros_like(norms[: len(rows)]).index_add_(0, which, norms) / times
        old = self._average.index_select(0, rows)
        kept = self.keep**times
        average = torch.where(old.isnan(), mean, kept * old + (1 - kept) * mean)
        self._average.index_copy_(0, rows, average)

    def distribution(self) -> Tensor:
        """Returns the probabilities [n], float64; what was learned since takes effect."""
        self._buffer.flush()
        train_size, device = len(self._last), self._last.device
        uniform = 1 / train_size
        probabilities = torch.full((train_size,), uniform, dtype=torch.float64, device=device)
        if len(self._seen):
            c, d = fit_bound(self._seen[:, :4], self._seen[:, 4], self._seen[:, 5])
            bound = self._features(torch.arange(train_size, device=device)) @ (
                c + self.margin * d
            ).to(device)
            total = bound.sum()
            if total > 0:
                probabilities = self.floor / train_size + (1 - self.floor) * bound / total
        uniform_square, robust_square, batch_square = self._moments.tolist()
        if not math.isnan(uniform_square):
            gain = variance_gain(uniform_square, robust_square, batch_square, self._n)
            self.learning_rate_factor = min(max(gain, 1.0), self.max_gain)
        return probabilities

    def _features(self, rows: Tensor) -> Tensor:
        """Features [m, 4], float64, of the samples `rows`."""
        last, average = (t.index_select(0, rows) for t in (self._last, self._average))
        last, average = (torch.where(t.isnan(), self._mean, t) for t in (last, average))
        mean = self._mean.expand(len(rows))
        return torch.stack([last, average, mean, torch.ones_like(last)], dim=1)

    def state_dict(self) -> dict[str, Any]:
        """All norms, the last mini-batches, and the collected steps."""
        return {
            "last": self._last,
            "average": self._average,
            "mean": self._mean,
            "moments": self._moments,
            "seen": self._seen,
            "gain": self.learning_rate_factor,
            "buffer": self._buffer.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored norms."""
        # Copies, because they are changed in place and the state belongs to the caller.
        self._last, self._average = state["last"].clone(), state["average"].clone()
        self._mean, self._moments, self._seen = state["mean"], state["moments"], state["seen"]
        self.learning_rate_factor = state["gain"]
        self._buffer.load_state_dict(state["buffer"])


def _moved(old: Tensor, values: Tensor, keep: float) -> Tensor:
    """The moving average [...] after `values` [T, ...], oldest first; NaN starts with the first."""
    if not len(values):
        return old
    start = torch.where(old.isnan(), values[0], old)
    ages = torch.arange(len(values) - 1, -1, -1, dtype=values.dtype, device=values.device)
    shares = (1 - keep) * keep**ages  # [T]
    return keep ** len(values) * start + torch.tensordot(shares, values, dims=1)
