"""Draw the bench's CSV: plot.py CSV OUT.png

One panel a group of figures, one bar an allocator. Needs matplotlib; where this Python has none,
another that has it is looked for (Debian: apt install python3-matplotlib puts it into
/usr/bin/python3). Without any, OUT is not drawn, and a sentence says so; the CSV stays.
"""

import csv
import os
import subprocess
import sys

PANELS = [
    ("Single pages, ns", "ns", [("hot", "pair"), ("bulk", "alloc"), ("bulk", "free"),
                                ("random-free", "free"), ("threads-2", "pair")]),
    ("Mixed churn, ns an operation", "ns", [("churn-50", "op"), ("churn-75", "op"),
                                            ("churn-90", "op"), ("churn-95", "op")]),
    ("Free memory in whole 2 MiB blocks, %", "%",
     [("churn-50", "whole-2m"), ("churn-75", "whole-2m"), ("churn-90", "whole-2m"),
      ("churn-95", "whole-2m"), ("llfree-frag", "of-ideal")]),
    ("Allocation latency at 90 %, ns", "ns", [("latency-90", "p50"), ("latency-90", "p99"),
                                              ("latency-90", "p99.9"), ("latency-90", "max")]),
    ("Recorded traces, ns an operation", "ns",
     [("redis-build+2", "op"), ("redis-build+10", "op"), ("redis-serve+2", "op"),
      ("redis-serve+10", "op")]),
    ("Start, microseconds", "us", [("init-128M", "us"), ("init-4G", "us"), ("init-64G", "us"),
                                   ("init-1T", "us"), ("init-12T", "us")]),
]
COLOURS = {"mortise": "#0b7a75", "buddy": "#c8553d", "buddy-exact": "#e6a08f", "bitmap": "#6c757d",
           "freelist": "#b5bcc2"}
LOG = {"Mixed churn, ns an operation", "Allocation latency at 90 %, ns", "Start, microseconds"}


def read(path):
    """{(workload, metric): {allocator: median}}"""
    figures = {}
    with open(path, newline="", encoding="utf-8") as source:
        for row in csv.DictReader(source):
            key = (row["workload"], row["metric"])
            figures.setdefault(key, {})[row["allocator"]] = float(row["median"])
    return figures


def another_python():
    """Run this script again with a Python that has matplotlib; None when there is none."""
    for python in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if os.environ.get("MORTISE_PLOT_AGAIN") or not os.access(python, os.X_OK):
            continue
        if os.path.realpath(python) == os.path.realpath(sys.executable):
            continue
        probe = subprocess.run([python, "-c", "import matplotlib"], capture_output=True, check=False)
        if probe.returncode == 0:
            environment = dict(os.environ, MORTISE_PLOT_AGAIN="1")
            return subprocess.run([python] + sys.argv, env=environment, check=False).returncode
    return None


def draw_panel(axis, title, rows, figures):
    width = 0.8 / len(COLOURS)
    rows = [row for row in rows if row in figures]
    for at, (name, colour) in enumerate(COLOURS.items()):
        points = [(i + at * width, figures[row][name]) for i, row in enumerate(rows)
                  if name in figures[row]]
        if points:
            axis.bar([x for x, _ in points], [y for _, y in points], width, color=colour, label=name)
    axis.set_title(title, fontsize=10, loc="left")
    axis.set_xticks([i + 0.4 - width / 2 for i in range(len(rows))])
    axis.set_xticklabels([f"{w}\n{m}" if m not in ("op", "us", "whole-2m") else w for w, m in rows],
                         fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", linewidth=0.4)
    axis.set_axisbelow(True)
    if title in LOG and rows:
        axis.set_yscale("log")
        axis.set_ylim(bottom=1)


def draw(figures, out):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(3, 2, figsize=(14, 12))
    for axis, (title, _, rows) in zip(axes.flat, PANELS):
        draw_panel(axis, title, rows, figures)
    handles = [matplotlib.patches.Patch(color=c, label=n) for n, c in COLOURS.items()]
    figure.legend(handles=handles, loc="upper center", ncol=len(COLOURS), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    figure.savefig(out, dpi=110)


def main():
    if len(sys.argv) != 3:
        print("usage: plot.py CSV OUT.png", file=sys.stderr)
        return 2
    try:
        figures = read(sys.argv[1])
    except (OSError, KeyError, ValueError) as error:
        print(f"plot: {sys.argv[1]} is no CSV of the bench: {error}", file=sys.stderr)
        return 1
    try:
        draw(figures, sys.argv[2])
    except ImportError:
        code = another_python()
        if code is None:
            print("plot: no Python here has matplotlib, so there is no picture (the CSV is complete); "
                  "on Debian: apt install python3-matplotlib", file=sys.stderr)
            return 0
        return code
    print(f"plot: {sys.argv[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
