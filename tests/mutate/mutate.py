#!/usr/bin/env python3
"""Flip operators, constants and conditions of mm/, one at a time: do the desk tests notice?

    mutate.py --build DIR [--root TREE] [--jobs N] [--sample N] [--seed N] [--again] [--flags FLAGS] [FILE...]

FILEs are as in "mm/zone.c"; none: all. --sample N: N mutants drawn at random with --seed, kept in the
order of the text. --again: only those that the last run in DIR left alive. --flags: more flags for the
compiler, which choose another format of page tables.

A mutant is compiled with -O2 alone. When it does not compile, or its object code is that of the
original, it is not counted: there is nothing to notice. The rest is linked into a libmm.so under test
programs that are built once, and these run until one fails: those first that noticed most of this file so
far. What then still lives meets the same programs under ASan and UBSan. A program that needs far more
processor time than with the original hangs, and has noticed. For a header, mm/ is built anew, and at
last the programs too.

Survivors are listed. tests/mutate/equivalent.md argues for those that nobody can see; an entry is

    * `mm/file.c`: `the line as it is` -> `the line as it becomes`: why that changes nothing.

with all white space made single spaces; ` -> any` stands for each change of that line. Entries are
matched by text. In a run over everything, one that fits no mutant, or none that lives, is an error.

Exit status: 0 when every survivor is argued for and at least 95 % of the mutants were noticed, argued ones
aside; 1 when not; 2 when the run means nothing: a program that cannot be built, or fails without any
change. Needs clang and lld. Standard library only.
"""
import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict

sys.dont_write_bytecode = True
import mutants  # noqa: E402

GOAL = 95.0
WALL_SECONDS = 120  # for one that sleeps; one that spins meets its limit of processor time first
# Long searches are cut short, as in tests/lint/cover.sh. Other programs run as they are.
ARGUMENTS = {"pmm_random": ["1", "60000"], "pmm_exhaustive": ["3"], "aspace_random": ["200"],
             "aspace_exhaustive": ["2"], "pmm_smp_threads": ["20000"]}
COMMON = ["clang", "-std=c11", "-I.", "-Ihal/host", "-D_GNU_SOURCE", "-fPIC", "-pthread", "-w"]
FLAVOURS = {"fast": ["-O2", "-fno-ident"],
            "checked": ["-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]}
ENTRY = re.compile(r"^\* `(mm/[\w.]+)`: `(.+?)` -> (?:`(.*?)`|(any)): \S")


class Useless(Exception):
    """The run means nothing; the text says why."""


def run(command, cwd):
    p = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return p.returncode, p.stdout


class Flavour:
    """The programs, built in one way against a shared libmm.so."""

    def __init__(self, tree, name):
        self.tree, self.name = tree, name
        self.folder = os.path.join(tree.build, name)
        self.flags = COMMON + tree.more + FLAVOURS[name]
        self.limit = {}
        self.reached = {}  # by a program: the files of mm/ that are linked into it
        os.makedirs(self.folder, exist_ok=True)

    def compile(self, source, out, overlay=None):
        """In the tree, or in a folder that looks like it but for one file. The paths that the compiler
        sees are the same, and so is what it makes of them."""
        return run(self.flags + ["-c", source, "-o", out], overlay or self.tree.source)

    def link_library(self, objects, folder):
        status, text = run(["ld.lld", "-shared", "-o", os.path.join(folder, "libmm.so")] + objects, self.tree.source)
        if status != 0:
            raise Useless(f"mutate: libmm.so does not link: {text}")

    def object_of(self, source):
        return os.path.join(self.folder, source.replace("/", "-")[:-2] + ".o")

    def link_program(self, name, objects, folder):
        sanitize = [f for f in self.flags if f.startswith("-fsanitize")]
        return run(["clang", "-fuse-ld=lld", "-pthread", "-rdynamic"] + sanitize + objects + ["-L" + self.folder, "-lmm", "-o",
                   os.path.join(folder, name)], self.tree.source)

    def build(self):
        need = {s for sources in self.tree.programs.values() for s in sources} | set(self.tree.mm)
        with concurrent.futures.ThreadPoolExecutor(self.tree.jobs) as pool:
            done = list(pool.map(lambda s: (s, self.compile(s, self.object_of(s))), sorted(need)))
        for source, (status, text) in done:
            if status != 0:
                raise Useless(f"mutate: {source} does not compile, so nothing can be measured:\n{text}")
        self.link_library([self.object_of(s) for s in self.tree.mm], self.folder)
        for name, sources in sorted(self.tree.programs.items()):
            if self.name == "checked" and name.endswith("_threads"):
                continue
            status, text = self.link_program(name, [self.object_of(s) for s in sources], self.folder)
            if status != 0:
                raise Useless(f"mutate: the test program {name} does not link:\n{text}")
            self.limit[name] = self.baseline(name)
        self.find_reached()

    def symbols(self, source, flag):
        text = run(["llvm-nm", "--format=just-symbols", "--extern-only", flag, self.object_of(source)], self.tree.source)[1]
        return set(text.split())

    def find_reached(self):
        """By names, as with an archive: a file that no name leads to cannot run."""
        defined = {s: self.symbols(s, "--defined-only") for s in self.tree.mm}
        for name, sources in self.tree.programs.items():
            wanted = set().union(*(self.symbols(s, "--undefined-only") for s in sources))
            found, grew = set(), True
            while grew:
                new = {s for s in self.tree.mm if s not in found and defined[s] & wanted}
                wanted |= set().union(*(self.symbols(s, "--undefined-only") for s in new))
                found |= new
                grew = bool(new)
            self.reached[name] = found

    def baseline(self, name):
        """Seconds of processor time that a mutant has."""
        before = os.times()
        status, text = self.start(name, self.folder, self.folder, 600, subprocess.PIPE)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        counts = re.findall(r"^(\d+) passed, (\d+) failed", text or "", re.M)
        if status != 0 or not counts or int(counts[-1][0]) == 0:
            raise Useless(f"mutate: {name} does not pass as the tree is (status {status}); mend that first:\n"
                          + "\n".join((text or "").splitlines()[-10:]))
        return int(4 * used) + (20 if name.endswith("_threads") else 2)  # threads that wait spin under load

    def start(self, name, programs, library, cpu, out=subprocess.DEVNULL):
        env = dict(os.environ, LD_LIBRARY_PATH=library, ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=0")
        command = ["prlimit", f"--cpu={cpu}", "--core=0", os.path.join(programs, name)] + self.tree.arguments(name)
        p = subprocess.Popen(command, cwd=self.tree.source, env=env, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.STDOUT if out == subprocess.PIPE else out, start_new_session=True)
        try:
            text, _ = p.communicate(timeout=WALL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.communicate()
            return "hang", None
        hung = p.returncode == -signal.SIGXCPU or (p.returncode == -signal.SIGKILL)
        return ("hang" if hung else p.returncode), text and text.decode(errors="replace")


class Tree:
    """A copy of the sources, so that an edit during the run changes nothing."""

    def __init__(self, root, build, jobs, more=()):
        self.build, self.jobs, self.more = build, jobs, list(more)
        self.source = os.path.join(build, "source")
        shutil.rmtree(self.source, ignore_errors=True)
        for folder in ("mm", "hal", "tests", "kernel"):
            if os.path.isdir(os.path.join(root, folder)):
                shutil.copytree(os.path.join(root, folder), os.path.join(self.source, folder))
        self.mm = self.find("mm/*.c")
        self.programs = self.find_programs()
        self.flavours = {name: Flavour(self, name) for name in FLAVOURS}

    def find(self, pattern):
        return sorted(os.path.relpath(p, self.source) for p in glob.glob(os.path.join(self.source, pattern)))

    def read(self, file):
        with open(os.path.join(self.source, file), encoding="utf-8") as f:
            return f.read()

    def find_programs(self):
        """The unit tests, and every model that needs nothing but mm/ and tests/ (see the Makefile, The desk). One that
        counts steps counts nothing when it is compiled as these are."""
        host = self.find("hal/host/*.c")
        programs = {"unit": host + ["tests/test.c"] + self.find("tests/unit/*.c")}
        for model in self.find("tests/model/*.c"):
            text = self.read(model)
            words = " ".join(re.findall(r"^ \* needs: (.*)", text, re.M)).split()
            needs = [w for w in words if w.endswith(".c")]
            if "loader" in words or re.search(r"^ \* kinds: steps$", text, re.M) or re.search(r'#include "(kernel|efi|tests/model/(\w+\.c|acpi_rig))', text) or not all(w.startswith("tests/") for w in needs):
                continue
            programs[os.path.basename(model)[:-2]] = host + [model] + needs
        return programs

    def arguments(self, name):
        return ARGUMENTS.get(name, [])


class Judge:
    """Builds one mutant at a time in each worker, and remembers what noticed."""

    def __init__(self, tree):
        self.tree = tree
        self.lock = threading.Lock()
        self.kills = defaultdict(Counter)  # of a file, by program
        self.verdicts = {}                 # by object code
        self.local = threading.local()
        self.original = {}
        self.workers = 0

    def folder(self):
        if not hasattr(self.local, "folder"):
            with self.lock:
                self.workers += 1
                self.local.folder = os.path.join(self.tree.build, f"worker{self.workers}")
            os.makedirs(self.local.folder, exist_ok=True)
        return self.local.folder

    def write(self, mutant):
        """The tree with the mutant in it: links to everything else."""
        overlay = os.path.join(self.folder(), "overlay")
        shutil.rmtree(overlay, ignore_errors=True)
        os.makedirs(os.path.join(overlay, "mm"))
        for name in os.listdir(self.tree.source):
            if name != "mm":
                os.symlink(os.path.join(self.tree.source, name), os.path.join(overlay, name))
        for name in os.listdir(os.path.join(self.tree.source, "mm")):
            if "mm/" + name != mutant.file:
                os.symlink(os.path.join(self.tree.source, "mm", name), os.path.join(overlay, "mm", name))
        with open(os.path.join(overlay, mutant.file), "w", encoding="utf-8") as f:
            f.write(mutants.apply(self.tree.read(mutant.file), mutant))
        return overlay

    def touched(self, file):
        return [file] if file.endswith(".c") else self.tree.mm

    def compile(self, flavour, mutant, overlay):
        """The objects of mm/ with the mutant in, and a digest of those that are new; None when it does not compile."""
        touched = self.touched(mutant.file)
        digest = hashlib.sha256()
        objects = []
        for source in self.tree.mm:
            if source not in touched:
                objects.append(flavour.object_of(source))
                continue
            out = os.path.join(self.folder(), os.path.basename(source)[:-2] + ".o")
            status, _ = flavour.compile(source, out, overlay)
            if status != 0:
                return None, None
            with open(out, "rb") as f:
                digest.update(f.read())
            objects.append(out)
        return objects, digest.hexdigest()

    def original_digest(self, flavour, file):
        """Compiled in the same way, unchanged."""
        with self.lock:
            if file in self.original:
                return self.original[file]
        unchanged = mutants.Mutant(file, 0, 0, 0, "", "", "")
        _, digest = self.compile(flavour, unchanged, self.write(unchanged))
        with self.lock:
            self.original[file] = digest
        return digest

    def order(self, file, flavour):
        with self.lock:
            kills = Counter(self.kills[file])
        names = [n for n in flavour.limit if file.endswith(".h") or file in flavour.reached[n]]
        return sorted(names, key=lambda name: (-kills[name], flavour.limit[name], name))

    def try_programs(self, flavour, mutant, programs):
        for name in self.order(mutant.file, flavour):
            status, _ = flavour.start(name, programs, self.folder(), flavour.limit[name])
            if status != 0:
                with self.lock:
                    self.kills[mutant.file][name] += 1
                return name + (" (hangs)" if status == "hang" else "")
        return None

    def rebuild_programs(self, flavour, overlay):
        """For a header: what the programs themselves use of it. None when that does not compile."""
        folder = os.path.join(self.folder(), "programs")
        os.makedirs(folder, exist_ok=True)
        for name, sources in self.tree.programs.items():
            objects = []
            for source in sources:
                out = flavour.object_of(source)
                if not source.startswith("hal/") and source != "tests/test.c":
                    out = os.path.join(folder, os.path.basename(out))
                    if flavour.compile(source, out, overlay)[0] != 0:
                        return None
                objects.append(out)
            if flavour.link_program(name, objects, folder)[0] != 0:
                return None
        return folder

    def verdict(self, mutant):
        """"invalid", "same", ("killed", by whom) or "alive"."""
        fast, checked = self.tree.flavours["fast"], self.tree.flavours["checked"]
        original = self.original_digest(fast, mutant.file)
        overlay = self.write(mutant)
        objects, digest = self.compile(fast, mutant, overlay)
        header = mutant.file.endswith(".h")
        if objects is None:
            return "invalid"
        if digest == original and not header:
            return "same"
        with self.lock:
            if (mutant.file, digest) in self.verdicts and not header:
                return self.verdicts[mutant.file, digest]
        fast.link_library(objects, self.folder())
        by = self.try_programs(fast, mutant, fast.folder)
        if by is None and header:
            programs = self.rebuild_programs(fast, overlay)
            by = self.try_programs(fast, mutant, programs) if programs else "the compiler"
        if by is None and digest != original:
            objects, _ = self.compile(checked, mutant, overlay)
            checked.link_library(objects, self.folder())
            by = self.try_programs(checked, mutant, checked.folder)
            by = by and by + " under the sanitizers"
        if by is None and digest == original:
            return "same"
        result = ("killed", by) if by else "alive"
        with self.lock:
            self.verdicts[mutant.file, digest] = result
        return result


def read_arguments(path):
    """[(file, old, new or None for any)] of equivalent.md."""
    entries = []
    if not os.path.exists(path):
        return entries
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.startswith("* "):
                continue
            m = ENTRY.match(line)
            if m is None:
                raise Useless(f"{path}:{number}: not an entry: * `mm/file.c`: `old line` -> `new line`: reason")
            entries.append((m.group(1), m.group(2), None if m.group(4) else m.group(3)))
    return entries


def argues(entry, m):
    return entry[0] == m.file and entry[1] == m.old and entry[2] in (None, m.new)


def choose(everything, args, results_file):
    chosen = [m for m in everything if not args.files or m.file in args.files]
    if args.again:
        with open(results_file, encoding="utf-8") as f:
            last = {(file, old, new) for file, _, old, new, verdict in json.load(f) if verdict == "alive"}
        chosen = [m for m in chosen if (m.file, m.old, m.new) in last]
    if args.sample and args.sample < len(chosen):
        picked = sorted(random.Random(args.seed).sample(range(len(chosen)), args.sample))
        chosen = [chosen[i] for i in picked]
    return chosen


def judge_all(tree, chosen, entries):
    judge = Judge(tree)
    start = time.monotonic()
    results = [None] * len(chosen)
    with concurrent.futures.ThreadPoolExecutor(tree.jobs) as pool:
        futures = {pool.submit(judge.verdict, m): i for i, m in enumerate(chosen)}
        for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
            m, result = chosen[futures[future]], future.result()
            results[futures[future]] = result
            if result == "alive" and not any(argues(e, m) for e in entries):
                print(f"  alive: {m.file}:{m.line}: {m.old} -> {m.new}", file=sys.stderr, flush=True)
            if done % 100 == 0:
                alive = sum(r == "alive" for r in results)
                print(f"  {done} of {len(chosen)}, {alive} alive, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return results, judge


def report(chosen, results, entries, complete):
    """Prints it; True when all is well."""
    argued = [m for m, r in zip(chosen, results) if r == "alive" and any(argues(e, m) for e in entries)]
    alive = [m for m, r in zip(chosen, results) if r == "alive" and m not in set(argued)]
    for m in alive:
        print(f"{m.file}:{m.line}: nobody notices\n    - {m.old}\n    + {m.new}")
    stale = [e for e in entries if complete and not any(argues(e, m) for m in argued)]
    for e in stale:
        print(f"equivalent.md argues for a change of {e[0]} that does not exist, or is noticed: take it out: {e[1]} -> {e[2] or 'any'}")
    by_file = defaultdict(Counter)
    for m, r in zip(chosen, results):
        by_file[m.file]["killed" if isinstance(r, tuple) else r] += 1
    for m in argued:
        by_file[m.file]["argued"] += 1
    total = sum(by_file.values(), Counter())
    print(f"{'file':26} counted  noticed  argued for  alive  not counted (same code, no C)")
    for file, c in sorted(by_file.items()) + [("all", total)]:
        print(f"{file:26} {c['killed'] + c['alive']:7} {c['killed']:8} {c['argued']:11} {c['alive'] - c['argued']:6}"
              f"  {c['same']:11}, {c['invalid']}")
    counted = total["killed"] + total["alive"]
    if counted == 0:
        print("mutate: no mutant was counted, so nothing was measured")
        return False
    share = 100.0 * total["killed"] / counted
    aside = 100.0 * total["killed"] / max(1, counted - total["argued"])
    print(f"{total['killed']} of {counted} mutants noticed: {share:.2f} %; those argued for aside: {aside:.2f} % (at least {GOAL:.0f} asked for)")
    return not alive and not stale and aside >= GOAL


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="Do the desk tests notice small changes of mm/?")
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--flags", default="")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    for tool in ("clang", "ld.lld", "llvm-nm", "prlimit"):
        if shutil.which(tool) is None:
            raise Useless(f"mutate: {tool} is missing; on Debian: apt install clang lld llvm util-linux libclang-rt-dev")
    build = os.path.abspath(args.build)
    os.makedirs(build, exist_ok=True)
    tree = Tree(os.path.abspath(args.root), build, args.jobs, shlex.split(args.flags))
    everything = [m for file in tree.find("mm/*.[ch]") for m in mutants.mutants_of(file, tree.read(file))]
    entries = read_arguments(os.path.join(tree.source, "tests", "mutate", "equivalent.md"))
    unknown = set(args.files) - set(tree.find("mm/*.[ch]"))
    if unknown:
        raise Useless(f"mutate: there is no {', '.join(sorted(unknown))}; write files as in mm/zone.c")
    results_file = os.path.join(build, "results.json")
    chosen = choose(everything, args, results_file)
    for flavour in tree.flavours.values():
        flavour.build()
    print(f"mutate: {len(chosen)} of {len(everything)} mutants, {len(tree.programs)} test programs: {' '.join(sorted(tree.programs))}", flush=True)
    results, judge = judge_all(tree, chosen, entries)
    with open(results_file, "w", encoding="utf-8") as f:
        verdicts = [r[1] if isinstance(r, tuple) else r for r in results]
        json.dump([(m.file, m.line, m.old, m.new, v) for m, v in zip(chosen, verdicts)], f, indent=0)
    good = report(chosen, results, entries, len(chosen) == len(everything))
    who = sum(judge.kills.values(), Counter())
    print("noticed by: " + ", ".join(f"{name} {n}" for name, n in who.most_common()))
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Useless as e:
        print(e, file=sys.stderr)
        sys.exit(2)
