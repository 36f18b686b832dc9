"""What a reasonable script would do instead: one block per line on stdin, its seconds on stdout.

Usage: peers.py TASK ARGUMENT. Prints `ready` once everything is imported and made; exits otherwise."""
import sys
import time


def h5py_commit(path):
    import h5py
    import numpy as np
    import os

    samples = np.random.default_rng(1).normal(size=(10000, 3))
    f = h5py.File(path, "w")
    site = 0

    def block():
        nonlocal site
        for _ in range(40):
            f.create_dataset(f"site{site}", data=samples)
            f.flush()
            fd = os.open(path, os.O_RDONLY)
            os.fdatasync(fd)
            os.close(fd)
            site += 1

    return block


def voltammogram():
    import numpy as np

    e = np.concatenate([np.linspace(3, 1, 1000), np.linspace(1, 3, 1000)])
    i = -1e-12 * np.exp(-(((e - 1.25) / 0.1) ** 2)) + np.random.default_rng(1).normal(0, 1e-13, 2000)
    return e, i


def scipy_loop(_):
    import numpy as np
    from scipy.signal import find_peaks, savgol_filter

    e, i = voltammogram()
    t = np.arange(2000) * 2e-3

    def one():
        s = savgol_filter(i, 25, 3)
        base = np.polyval(np.polyfit(e[:200], s[:200], 1), e)
        c = s - base
        peaks, _ = find_peaks(-c, prominence=3e-13)
        red = np.trapz(np.minimum(c, 0), t)
        ox = np.trapz(np.maximum(c, 0), t)
        beyond = np.nonzero(c < -5e-13)[0]
        return peaks, red, ox, e[beyond[0]] if len(beyond) else None

    def block():
        for _ in range(200):
            one()

    return block


def numpy_vectorised(_):
    import numpy as np
    from scipy.signal import savgol_filter

    e, i = voltammogram()
    t = np.arange(2000) * 2e-3
    all_i = np.tile(i, (200, 1))
    x = e[:200] - e[:200].mean()

    def block():
        s = savgol_filter(all_i, 25, 3, axis=1)
        mean = s[:, :200].mean(axis=1)
        slope = (s[:, :200] * x).sum(axis=1) / (x * x).sum()
        c = s - (mean[:, None] + slope[:, None] * (e - e[:200].mean()))
        c.argmin(axis=1)
        np.trapz(np.minimum(c, 0), t, axis=1)
        np.trapz(np.maximum(c, 0), t, axis=1)
        (c < -5e-13).argmax(axis=1)

    return block


def bootstrap(_):
    import numpy as np

    g = np.random.default_rng(1)
    x = g.lognormal(size=10000)

    def block():
        m = [np.median(x[g.integers(0, x.size, x.size)]) for _ in range(1000)]
        np.quantile(m, [0.025, 0.975])

    # A tenth of the resamples, counted tenfold: a whole one takes seconds.
    block.scale = 10
    return block


def kruskal(_):
    import numpy as np
    from scipy.stats import kruskal as test

    x = np.random.default_rng(1).lognormal(size=100000)
    groups = [x[k::8] for k in range(8)]
    return lambda: test(*groups)


def yaml_load(path):
    import yaml

    text = open(path).read()
    return lambda: yaml.load(text, Loader=yaml.CSafeLoader)


def pyserial(names):
    import serial

    pstat, stage = (serial.Serial(name, timeout=1) for name in names.split())
    power = {c: 10.0 ** (3 * k - 18) for k, c in enumerate("afpnum kMGT")}

    def block():
        while True:
            line = pstat.readline().decode("ascii", "replace")
            if line.startswith("*"):
                return
            at = line.find("ba")
            if at < 0:
                continue
            value = (int(line[at + 2 : at + 9], 16) - 0x8000000) * power[line[at + 9]]
            if value > 3e-12:
                stage.write(b"\x18")

    return block


TASKS = {
    "pyserial": pyserial,
    "h5py": h5py_commit,
    "scipy-loop": scipy_loop,
    "numpy": numpy_vectorised,
    "bootstrap": bootstrap,
    "kruskal": kruskal,
    "yaml": yaml_load,
}

try:
    run = TASKS[sys.argv[1]](sys.argv[2])
except ImportError:
    sys.exit(1)
print("ready", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    run()
    try:
        print((time.perf_counter() - start) * getattr(run, "scale", 1), flush=True)
    except BrokenPipeError:
        sys.exit(0)
