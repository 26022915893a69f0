#!/usr/bin/env python3
"""Capture the figures again: `make figures`, or `make figures F="boot bench"` for some.

A figure is a file NAME.md in this folder. Its first line says which command was run, on which
commit, on which day and on which machine; the block below it is what the command printed. Nothing
in either is written by hand. What stands behind the block is, and is kept: notes for the reader.

Exit status 0 when each wanted figure was captured, 1 with a sentence otherwise.
"""
import datetime
import os
import re
import subprocess
import sys
import tempfile
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
LOGS = os.path.join(ROOT, "build", "figures")


def run(command, good=(0,)):
    """The standard output of a shell command run at the root of the tree."""
    done = subprocess.run(command, shell=True, cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode not in good:
        sys.exit(f"figures: `{command}` ended with status {done.returncode}:\n{text[-3000:]}")
    return text


def first(pattern, text, what):
    found = re.search(pattern, text)
    if found is None:
        sys.exit(f"figures: {what} is missing from the captured output")
    return found.group(1)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = first(r"model name\s*: (.*)", file.read(), "the CPU's name")
    with open("/etc/os-release", encoding="utf-8") as file:
        system = first(r'PRETTY_NAME="(.*)"', file.read(), "the system's name")
    qemu = first(r"version ([0-9.]+)", run("qemu-system-x86_64 --version"), "QEMU's version")
    return f"{os.cpu_count()} CPUs of {cpu}, {system}, QEMU {qemu} (TCG)"


def origin():
    if run("git status --porcelain -- ':!tests/figures/*.md' ':!tests/figures/*.png'"):
        sys.exit("figures: commit your changes first, so that the figures belong to a commit")
    commit = run("git rev-parse --short=12 HEAD").strip()
    return f"commit {commit}, {datetime.date.today().isoformat()}, {machine()}"


def clean(text):
    """Serial output without the firmware's escape sequences."""
    return re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", text).replace("\r", "")


def boot(name, options):
    """Boot, and return what run.sh printed and the kernel's own lines."""
    log = os.path.join(LOGS, name + ".log")
    printed = clean(run(f"./run.sh {options} --log {log}"))
    with open(log, encoding="latin-1") as file:
        lines = clean(file.read()).splitlines()
    return printed, [line for line in lines if re.match(r"\[\d+\.\d+\] ", line)]


def shorten(lines, topic, keep):
    """Keep the first `keep` lines of a topic and say how many more there were."""
    shown, more, out = 0, 0, []
    for line in lines:
        if re.match(r"\[\S+\] " + topic + ": ", line) is None:
            if more:
                out.append(f"... {more} more lines `{topic}:` ...")
            more = 0
            out.append(line)
        elif shown < keep:
            shown += 1
            out.append(line)
        else:
            more += 1
    return out


def capture_boot():
    _, lines = boot("boot", "--memory 128M")
    return "./run.sh --memory 128M", "\n".join(shorten(lines, "map", 6))


TIME = r"time: (\d+) us from exit of boot services to Page allocator ready, (\d+) us of it writing"


def instructions(size):
    """With -icount shift=0 the time stamp counter advances by one with each instruction, 1000 a us."""
    _, lines = boot("icount-" + size, f'--memory {size} --qemu "-icount shift=0"')
    found = re.search(TIME, "\n".join(lines))
    return (int(found.group(1)) - int(found.group(2))) * 1000


def capture_sizes():
    """Small and large machines, one after the other, three times; medians."""
    sizes = ("48M", "64M", "1T")
    times = {size: [] for size in sizes}
    rows = []
    for turn in range(3):
        for size in sizes:
            printed, lines = boot("size-" + size, f"--memory {size}")
            text = "\n".join(lines)
            total = int(first(TIME, text, "the line `time:`"))
            writing = int(re.search(TIME, text).group(2))
            times[size].append((total, total - writing))
            if turn == 0:
                pages = first(r"Page allocator ready: (\d+) pages", text, "`Page allocator ready`")
                tables = first(r"tables of ([^,]*),", text, "the size of the tables")
                used = first(r"QEMU used (\d+) MiB", printed, "QEMU's size")
                rows.append([size, pages, tables, used])
    out = ["RAM   pages of the allocator  its tables  QEMU's memory  exit to ready  without the log"]
    middle = {}
    for size, pages, tables, used in rows:
        total = sorted(t for t, _ in times[size])[1]
        quiet = sorted(q for _, q in times[size])[1]
        middle[size] = (total, quiet)
        out.append(f"{size:<5} {pages:>22}  {tables:>10}  {used + ' MiB':>13}  "
                   f"{total / 1000:>10.1f} ms  {quiet / 1000:>12.1f} ms")
    small, large = middle["64M"], middle["1T"]
    out.append(f"1 TiB to 64 MiB, medians of three boots in turn: {large[0] / small[0]:.2f}; "
               f"without writing the log: {large[1] / small[1]:.2f}")
    counted = [instructions(size) for size in ("64M", "1T")]
    out.append("instructions of the same way, writing the log left out (-icount shift=0): "
               f"64M {counted[0]}, 1T {counted[1]}, ratio {counted[1] / counted[0]:.2f}")
    size = os.path.getsize(os.path.join(ROOT, "build", "BOOTX64.EFI"))
    out.append(f"build/BOOTX64.EFI: {size} bytes; 512 KiB are 524288")
    return "./run.sh --memory SIZE", "\n".join(out)


def capture_icount():
    command = '--memory 128M --qemu "-icount shift=0"'
    _, lines = boot("icount", command)
    wanted = [line for line in lines if re.search(r"\] (clock|bench|verdict): ", line)]
    return "./run.sh " + command, "\n".join(wanted)


def capture_bench():
    run("make -s BENCH_ARGS=--help bench", good=(0, 2))
    text = run("chrt -f 50 build/host/bench --csv build/bench/bench.csv")
    run("python3 tests/bench/plot.py build/bench/bench.csv tests/figures/bench.png")
    return "make bench", text.strip()


def capture_count():
    """The table, and the lines of each row that misses what was asked for."""
    run("make -s build/host/count")
    text = run("make -s count").strip()
    missed = [line.split()[0] for line in text.splitlines() if line.endswith("MISS") and not line.startswith("whole-")]
    if missed:
        text += "\n\n" + run(f"make -s count ROW='{' '.join(missed)}'").strip()
    return "make count", text


def capture_memsim():
    run("make -s sim")
    file = "tests/data/maps/hp-superdome-x-12tb.map"
    run("build/host/memsim draw tests/data/maps/asus-zenbook-ux391fa-16g.map "
        "-o tests/figures/asus-zenbook.png")
    text = run(f"build/host/memsim map {file}")
    start = text.index("\nzones:")
    return f"build/host/memsim map {file} | sed -n '/^zones:/,$p'", text[start:].strip()


# How far a run was, in front of each step's line ("[ 37/212  4:10 of 8:40] ").
PROGRESS = re.compile(r"^\[ *\d+/\d+ +\d+:\d\d of \d+:\d\d\] ", re.M)


def capture_tests():
    text = PROGRESS.sub("", run("./run.sh test 2>&1"))
    steps = [line for line in text.splitlines() if not line.startswith("pe_lint")]
    return "./run.sh test", "\n".join(steps)


TYPED = ["zones", "alloc 100 dma32", "translate 0xffff800000100000", "fault 0xdead000", "frag", "exercise 1 7", "exit"]


def capture_monitor():
    """What a person types, and what the monitor says."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
    from monitor_session import PROMPT, Session

    run("make -s image")
    words, text = "exit=1 monitor=on selftest=off", ""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(["--memory", "128M"], words, folder)
        session.until(PROMPT)
        for line in TYPED:
            text += f"> {line}\n" + clean(session.do(line)).removesuffix("> ").rstrip() + "\n"
        if session.end()[0] != 0:
            sys.exit("figures: the session with the monitor did not pass")
    return f'./run.sh --memory 128M --socket FILE --options "{words}"', text.rstrip()


IN_TURN = "-icount shift=3,sleep=off"


def capture_cpus():
    """What each boot says of its CPUs, and the monitor's command bench there. The CPUs take turns, an instruction
    takes 8 ns, and idling no time: so the figures do not depend on what else the host does."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
    from monitor_session import PROMPT, Session

    run("make -s image")
    words, text = "exit=1 monitor=on selftest=off", ""
    for cpus in (1, 2, 4, 8, 64, 255):
        memory = "1G" if cpus > 8 else "512M"
        with tempfile.TemporaryDirectory() as folder:
            session = Session(["--memory", memory, "--smp", str(cpus), "--timeout", "2500"], words, folder, IN_TURN)
            began = clean(session.until(PROMPT, 2400)).splitlines()
            bench = clean(session.do("bench", 1200)).splitlines()
            session.do("exit", 20)
            if session.end()[0] != 0:
                sys.exit(f"figures: the boot with {cpus} CPUs did not pass")
        lines = [line for line in began if re.search(r"cpus: \d+ of|verdict: |selftest: ", line)]
        lines += [line for line in bench if "bench: " in line]
        text += f"--smp {cpus} --memory {memory}\n" + "\n".join(lines) + "\n"
    return f'./run.sh --smp N --memory M --socket FILE --options "{words}" --qemu "{IN_TURN}", and bench in the monitor', text.rstrip()


def capture_screenshot():
    run("make -s screenshot")
    return "make screenshot", ""  # the picture is the figure


def said(command, pattern, good=(0,)):
    """The lines of a long command's output that its figures stand in."""
    lines = [line for line in clean(run(command + " 2>&1", good)).splitlines() if re.search(pattern, line)]
    if not lines:
        sys.exit(f"figures: `{command}` said nothing of what is wanted")
    return command, "\n".join(lines)


def capture_matrix():
    """Machines that booted are named in a paragraph; every other line stays."""
    command, text = said("./run.sh matrix", r"^(\[.*\] )?(ok|FAIL|skip) |took|passed, ")
    text = PROGRESS.sub("", text)
    booted = re.findall(r"^ok +boot-(\S+) .*\n", text, re.M)
    rest = re.sub(r"^ok +boot-\S+ .*\n", "", text, flags=re.M)
    names = textwrap.fill(" ".join(booted), 120, break_on_hyphens=False)
    return command, f"{len(booted)} machines of tests/boot/matrix booted and said what they must:\n{names}\n{rest}"


def capture_fuzz():
    command, text = said("make -s fuzz-all TIME=480", r"^fuzz \S+: ")
    runs = [int(n) for n in re.findall(r": (\d+) executions", text)]
    seconds = sum(int(n) for n in re.findall(r" in (\d+) s", text))
    return command, text + f"\nin all: {len(runs)} targets, {seconds / 3600:.1f} hours, {sum(runs)} executions, none failed"


def capture_soak():
    return said("make -s soak TIME=600", r"^(soak|ok|FAIL)|exercise|passed, ")


def capture_prove():
    return said("make -s prove", r".")


def capture_mutate():
    return said("make -s mutate", r"^mm/\S+ +\d|^(file|all) |%|mutants|noticed", (0, 2))


CAPTURES = {
    "boot": capture_boot,
    "monitor": capture_monitor,
    "cpus": capture_cpus,
    "screenshot": capture_screenshot,
    "sizes": capture_sizes,
    "icount": capture_icount,
    "memsim": capture_memsim,
    "bench": capture_bench,
    "count": capture_count,
    "tests": capture_tests,
    "matrix": capture_matrix,
    "fuzz": capture_fuzz,
    "soak": capture_soak,
    "prove": capture_prove,
    "mutate": capture_mutate,
}


BLOCK = re.compile(r"`[^\n]*\n(?:\n```\n.*?\n```\n)?", re.S)


def write_figure(folder, name, where, command, text):
    """Replace the block of NAME.md, or begin the file. The notes behind the block, which stay."""
    path = os.path.join(folder, name + ".md")
    notes = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            old = file.read()
        found = BLOCK.match(old)
        if found is None:
            sys.exit(f"figures: {path} does not begin with a command in backquotes; nothing was written")
        notes = old[found.end():]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"`{command}` ({where})" + (f":\n\n```\n{text}\n```\n" if text else "\n") + notes)
    return notes


def main():
    wanted = sys.argv[1:] or list(CAPTURES)
    unknown = [name for name in wanted if name not in CAPTURES]
    if unknown:
        sys.exit(f"figures: unknown: {' '.join(unknown)}; there are: {' '.join(CAPTURES)}")
    os.makedirs(LOGS, exist_ok=True)
    where = origin()
    for name in wanted:
        notes = write_figure(HERE, name, where, *CAPTURES[name]())
        print(f"figures: {name} captured" +
              (f"; read the notes in tests/figures/{name}.md again" if notes else ""))


if __name__ == "__main__":
    main()
