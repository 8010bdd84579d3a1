"""Design storms: how hard it rains, minute by minute, in a storm of given depth or return period."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synapolis.core.errors import ModelError

Floats = NDArray[np.float64]


def idf_intensity(duration: ArrayLike, *, scale: float, offset: float, exponent: float) -> Floats:
    """Mean intensity of the storm of each duration, by the curve i = a / (t + b)^n.

    Parameters
    ----------
    duration : (...) [min]
    scale : a [mm/h · min^n]
        Carries the return period.
    offset : b [min]
    exponent : n [1]
        0 to 1.

    Returns
    -------
    (...) [mm/h]

    Raises
    ------
    ModelError
        A negative or non-finite duration or parameter, or a curve without bound at duration 0.
    """
    _check_curve(offset, exponent)
    _check("scale", scale, least=0.0)
    time = np.asarray(duration, dtype=np.float64)
    if not (np.isfinite(time) & (time >= 0.0) & (time + offset > 0.0)).all():
        raise ModelError("duration must be finite and at least 0 min, and above 0 where offset is 0")
    return np.asarray(scale / (time + offset) ** exponent)


def idf_depth(duration: ArrayLike, *, scale: float, offset: float, exponent: float) -> Floats:
    """Depth [mm] of the storm of each duration [min] on the curve of `idf_intensity`."""
    time = np.asarray(duration, dtype=np.float64)
    return np.asarray(idf_intensity(time, scale=scale, offset=offset, exponent=exponent) * time / 60.0)


def idf_scale(depth: float, duration: float, *, offset: float, exponent: float) -> float:
    """Scale a of the curve through one known storm: `depth` [mm] in `duration` [min]."""
    _check("depth", depth, least=0.0)
    _check("duration", duration, above=0.0)
    _check_curve(offset, exponent)
    return float(depth * 60.0 / duration * (duration + offset) ** exponent)


def uniform_storm(*, depth: float, duration: float, step: float = 1.0) -> Floats:
    """Rain of constant intensity.

    Parameters
    ----------
    depth : [mm]
    duration, step : [min]
        A last step that the storm only partly fills carries its part as a lower mean.

    Returns
    -------
    (time,) [mm/h]
        Mean intensity of each step; times the step it sums to the depth.

    Raises
    ------
    ModelError
        A negative depth, or a duration or step that is not above 0.
    """
    edges = _edges(depth, duration, step)
    return _from_cumulative(np.minimum(edges / duration, 1.0), depth, step)


def chicago_storm(
    *, depth: float, duration: float, offset: float, exponent: float, peak_position: float = 0.4, step: float = 1.0
) -> Floats:
    """Storm in which every duration around the peak has the mean intensity of one curve a / (t + b)^n.

    The scale a follows from depth and duration (`idf_depth` gives the depth where the scale is known).

    Parameters
    ----------
    depth : [mm]
    duration : [min]
    offset : b [min]
        Above 0: without it the peak has no bound.
    exponent : n [1]
        0 (uniform rain) to 1.
    peak_position : [1]
        Share of the duration before the peak, 0 to 1.
    step : [min]

    Returns
    -------
    (time,) [mm/h]
        Mean intensity of each step, integrated exactly; times the step it sums to the depth.

    Raises
    ------
    ModelError
        An argument outside its range.

    References
    ----------
    Keifer and Chu (1957), Synthetic storm pattern for drainage design, Journal of the Hydraulics Division 83(4).
    """
    edges = np.minimum(_edges(depth, duration, step), duration)
    _check_curve(offset, exponent)
    if offset <= 0.0:
        raise ModelError(f"offset must be above 0 min for a Chicago storm, got {offset}: the peak would have no bound")
    _check("peak_position", peak_position, least=0.0, most=1.0)
    peak = peak_position * duration
    # The storm's share within any span of the curve: t / (t + b)^n, split at the peak.
    whole = duration / (duration + offset) ** exponent

    def share(time: Floats) -> Floats:
        return np.asarray(time / (time + offset) ** exponent / whole)

    before, after = peak_position, 1.0 - peak_position
    rise = before * (1.0 - share(np.maximum(peak - edges, 0.0) / before)) if before > 0.0 else np.zeros_like(edges)
    fall = after * share(np.maximum(edges - peak, 0.0) / after) if after > 0.0 else np.zeros_like(edges)
    return _from_cumulative(rise + fall, depth, step)


def _edges(depth: float, duration: float, step: float) -> Floats:
    """Check a storm's measures; return the ends of its steps [min], the first being 0."""
    _check("depth", depth, least=0.0)
    _check("duration", duration, above=0.0)
    _check("step", step, above=0.0)
    count = int(np.ceil(duration / step - 1e-9))
    if count > 1_000_000:
        raise ModelError(f"a storm may have at most 1,000,000 steps, got {count}; take a longer step")
    return np.arange(count + 1, dtype=np.float64) * step


def _from_cumulative(share: Floats, depth: float, step: float) -> Floats:
    """Turn shares fallen at the step ends into intensities [mm/h]."""
    fallen = np.maximum(np.diff(share), 0.0)
    return np.asarray(fallen / fallen.sum() * (depth * 60.0 / step))


def _check_curve(offset: float, exponent: float) -> None:
    _check("offset", offset, least=0.0)
    _check("exponent", exponent, least=0.0, most=1.0)


def _check(name: str, value: float, *, least: float = -np.inf, above: float = -np.inf, most: float = np.inf) -> None:
    if not (np.isfinite(value) and value >= least and value > above and value <= most):
        limits = [f"at least {least:g}"] * (least > -np.inf) + [f"above {above:g}"] * (above > -np.inf)
        limits += [f"at most {most:g}"] * (most < np.inf)
        raise ModelError(f"{name} must be finite, {' and '.join(limits)}, got {value}")
