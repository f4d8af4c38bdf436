"""Numbers that the detector's statistics are checked against.

Made with Debian's python3-numpy and python3-scipy, which share no code with the
detector:

    /usr/bin/python3 detector/testdata/reference/reference.py

writes reference.json next to this file.
"""

import json
import os

import numpy as np
from scipy import optimize, stats

rng = np.random.default_rng(1)
out = {}

# Quantiles of a sample, and the weighted ones when weights grow with the power
# 1.5 of the sample's number, as in a histogram that has not begun to forget.
sample = np.round(stats.gamma.rvs(1.5, size=4000, random_state=rng), 6)
n = np.arange(1, len(sample) + 1)
weight = np.cumprod(np.concatenate(([1.0], 1 + 1.5 / n[1:])))
order = np.argsort(sample)
above = 1 - np.cumsum(weight[order]) / weight.sum()
out["histogram"] = {
    "sample": sample.tolist(),
    "upper": {
        str(p): float(sample[order][np.searchsorted(-above, -p)]) for p in (0.05, 0.005)
    },
}

# The variance-stabilised deviation of a binomial count, and the exact one, in
# standard deviations, that has the same tail probability (mid-p).
rows = []
for n_, p, k in [
    (6000, 0.005, 45), (6000, 0.005, 60), (6000, 0.07, 500), (600, 0.07, 70),
    (600, 0.005, 9), (120, 0.1, 25), (6000, 0.07, 340), (600, 0.2, 80),
]:
    d = stats.binom(n_, p)
    high = d.sf(k) + 0.5 * d.pmf(k)
    z = stats.norm.isf(high) if k > n_ * p else -stats.norm.isf(1 - high)
    e = n_ * p
    closed = 2 * (np.sqrt(k + 0.375) - np.sqrt(e + 0.375)) / np.sqrt(max(0.02, 1 - p))
    rows.append({"n": n_, "p": p, "k": k, "closed": float(closed), "exact": float(z)})
out["binomial"] = rows

# Quantiles of the minimum of k independent normal variables, by root finding on
# its distribution function instead of the closed form.
rows = []
for k in (1.0, 1.75, 2.5, 4.0):
    for p in (0.05, 0.005):
        f = lambda z: stats.norm.sf(z) ** k - p
        rows.append({"k": k, "p": p, "z": float(optimize.brentq(f, -8, 8))})
out["minimum"] = rows

# The spread of a window's mean of a first-order process, from the sum of its
# autocovariances, relative to that of one value.
rows = []
for rho in (0.0, 0.5, 0.9):
    for n_ in (15, 60):
        lag = np.arange(1, n_)
        var = (n_ + 2 * np.sum((n_ - lag) * rho**lag)) / n_**2
        rows.append({"rho": rho, "n": n_, "width": float(np.sqrt(var))})
out["mean"] = rows

# Mean magnitude to standard deviation for a normal variable.
out["sigma_per_mad"] = float(1 / np.mean(np.abs(stats.norm.ppf((np.arange(2_000_000) + 0.5) / 2_000_000))))

# Surprise by the line through the 95 % and 99.5 % quantiles of a normal
# variable, and the true −log10 p.
a, b = stats.norm.isf(0.05), stats.norm.isf(0.005)
out["surprise"] = [
    {
        "z": z,
        "line": float(np.interp(z, [a, b], [-np.log10(0.05), -np.log10(0.005)]))
        if z <= b
        else float(-np.log10(0.05) + (z - a) / (b - a)),
        "true": float(-np.log10(stats.norm.sf(z))),
    }
    for z in (1.7, 2.0, 2.5, 3.0, 4.0, 5.0)
]

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json")
with open(path, "w") as f:
    json.dump(out, f)
    f.write("\n")
