#!/usr/bin/env python3
"""Proofs and models: make prove.

    prove.py --build DIR [--root TREE] [NAME...]

*.acsl says what functions of mm/ and hal/base.h promise; Frama-C's WP proves that each does so for all
inputs, and that no run of it is undefined. The sources stay free of it: the contracts are put into a copy.
*.pml are models of protocols between CPUs, which SPIN checks in all interleavings.

A .acsl file: `@ FILE FUNCTION` and the contract; `@ FILE FUNCTION loop N` and what holds in its N-th loop;
`@ FILE FUNCTION after TEXT` and assertions after the line that has TEXT, or `ghost` and code that only the
prover sees; `@ FILE before FUNCTION` and definitions. A line `for t A B: ...{expression}...` stands for one line each. A .pml file names its planted
errors, "-DNAME: ...", in its first comment: with each the check must fail.

NAMEs choose among the functions and models. One line for each; the last line is "N passed, N failed".
Exit status 0 when all is proved. Standard library only.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = {"frama-c": "frama-c-base", "why3": "why3", "z3": "z3", "cvc4": "cvc4", "spin": "spin", "gcc": "gcc"}
SECONDS = 40  # for one goal and one prover
# Wrong on purpose: each must be refused, or the proofs mean nothing. File, text, what becomes of it, the function.
PLANTED = [
    ("mm/block.h", "ALL_ONES >> (first + 64 - hi)", "ALL_ONES >> (first + 65 - hi)", "word_mask"),
    ("mm/runs.h", "return at + bits_ctz(other) - from;",
     "return at + bits_ctz(other) - from + 1;", "block_free_from"),
    ("mm/runs.h", "bits_ctz(above) - 2;", "bits_ctz(above) - 1;", "block_run_around"),
    ("mm/runs.h", "if (n - 1 >= 63 - bit)", "if (n - 1 > 63 - bit)", "word_has_run"),
    ("mm/runs.h", "bits_clz(below) + bits_ctz(above) - 1;", "bits_clz(below) + bits_ctz(above);", "block_give_run"),
    ("mm/runs.h", "(n - 1 >= BLOCK_PAGES - 1 - lo ||", "(n >= BLOCK_PAGES - 1 - lo ||", "block_stash"),
    ("mm/block.c", "above << (64 - shift)", "above << (63 - shift)", "shift_and"),
    ("mm/block.c", "best = through > best ? through : best;", "best = through;", "longest_run"),
    ("mm/block.c", "(block_free_word(b, i) != 0)", "(block_free_word(b, i) != ALL_ONES)", "block_words"),
    ("mm/block.c", "bits_store(&w->shared, private | shared);", "bits_store(&w->shared, private ^ shared);", "block_own"),
    ("mm/runs.h", "unsigned i = bits_ctz(words);", "unsigned i = 63 - bits_clz(words);", "block_first_free"),
    ("mm/runs.h", "(ALL_ONES - 1) << (page % 64)", "ALL_ONES << (page % 64)", "block_next_free"),
    ("mm/runs.h", "words &= 0xfeu << i;", "words &= 0xffu << i;", "block_next_free"),
    ("mm/runs.h", "best = length > best ? length : best;", "best = length;", "block_longest_from"),
    ("mm/runs.h", "if (place + n <= at + length)", "if (place + n <= at + length + 1)", "block_fit"),
    ("mm/runs.h", "unsigned below = (1u << align_shift) - 1;", "unsigned below = (2u << align_shift) - 1;", "block_fit"),
    ("mm/runs.h", "- (2u << lo / 64)", "- (1u << lo / 64)", "block_take"),
    ("mm/block.c", "unsigned step = length / 2;", "unsigned step = length / 4;", "block_longest"),
    ("mm/block.c", "private_flip = (state & 2) ?", "private_flip = (state & 1) ?", "block_count"),
    ("mm/extents.c", "(top - 3) * 4", "(top - 2) * 4", "extents_bin"),
    ("mm/block.h", "(bits_load(&w->private) & bits_load(&w->shared) & page) == 0", "(bits_load(&w->private) & page) == 0", "block_park"),
    ("mm/block.c", "bits_store(&w->shared, private & shared);", "bits_store(&w->shared, private);", "block_disown"),
    ("hal/base.h", "(x + align - 1) &", "(x + align) &", "hal_align_up"),
    ("hal/base.h", "x != 0 && (x & (x - 1)) == 0", "(x & (x - 1)) == 0", "hal_is_power_of_two"),
]
# Each way through these is a goal of its own; in one the provers lose their way.
SPLIT = {"block_run_around", "block_take"}
# Where the right code is not proved in five seconds a goal either, a planted error would be refused for that.
PLANTED_SECONDS = {"block_take": SECONDS}


# What these need makes the search for others longer: each is proved in a copy of its own, and stands in those
# of its callers that are named here.
APART = {"block_count": (), "block_fit": (), "block_longest_from": ("block_fit",)}


class Wrong(Exception):
    """It cannot be done; the text says why."""


def expand(line):
    m = re.match(r"for (\w+) (\d+) (\d+): (.*)\n", line)
    if m is None:
        return line
    name, first, last, text = m.groups()
    values = range(int(first), int(last) + 1)
    return "".join(re.sub(r"\{(.*?)\}", lambda e, v=v: str(eval(e.group(1), {name: v})), text) + "\n" for v in values)


def read_spec(path):
    """[[file, words, text]]"""
    entries = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("@ "):
                words = line.split()
                entries.append([words[1], words[2:], ""])
            elif entries:
                entries[-1][2] += expand(line)
    return entries


def find_function(lines, name):
    """The lines where a definition begins, its body begins, and it ends."""
    for i, line in enumerate(lines):
        if not re.match(r"(?=[a-z]).*\b%s\(" % name, line):
            continue
        start = i
        while i > 0 and re.match(r"[a-z].*[^;{}]$", lines[i - 1]):  # its type stands on a line of its own
            i -= 1
        while not lines[start].rstrip().endswith((";", "{")):
            start += 1
        if lines[start].rstrip().endswith("{"):
            return i, start, lines.index("}", start)
    raise Wrong(f"prove: there is no function {name} any more; mend its entry in tests/prove/*.acsl")


def place_of(lines, words):
    """(line, order) where an entry goes; what has the lower order goes above."""
    if words[0] == "before":
        return find_function(lines, words[1])[0], 0
    begin, start, end = find_function(lines, words[0])
    if len(words) == 1:
        return begin, 1
    if words[1] == "loop":
        loops = [k for k in range(start, end) if re.match(r"\s*(for|while|do)\b", lines[k])]
        return loops[int(words[2]) - 1], 3
    found = [k for k in range(start, end) if " ".join(words[2:]) in lines[k]]
    if not found:
        raise Wrong(f"prove: {words[0]} has no line with {' '.join(words[2:])}; mend its entry in tests/prove/*.acsl")
    return found[0] + 1, 2


def annotate(text, entries):
    lines = text.split("\n")
    inserts = []
    for _, words, acsl in entries:
        at, order = place_of(lines, words)
        parts = acsl.strip().rstrip(";").split(";\n") if order == 2 and "ghost" not in acsl else [acsl.strip().rstrip(";")]
        inserts += [(at, order, f"/*@ {part}{'' if part.endswith('}') else ';'} */") for part in reversed(parts)]
    for at, _, comment in sorted(inserts, key=lambda x: (-x[0], -x[1])):
        lines.insert(at, comment)
    return "\n".join(lines)


def annotated_tree(root, folder, entries, change=None):
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("mm", "hal"):
        shutil.copytree(os.path.join(root, part), os.path.join(folder, part))
    for file in sorted({e[0] for e in entries} | ({change[0]} if change else set())):
        path = os.path.join(folder, file)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if change and file == change[0]:
            if change[1] not in text:
                raise Wrong(f"prove: {file} has no '{change[1]}' to plant an error in; mend PLANTED in prove.py")
            text = text.replace(change[1], change[2])
        with open(path, "w", encoding="utf-8") as f:
            f.write(annotate(text, [e for e in entries if e[0] == file]))


def entries_for(function, entries):
    """Those that are in the copy in which it is proved."""
    about = lambda words: words[1] if words[0] == "before" else words[0]
    return [e for e in entries if function in (about(e[1]), *APART.get(about(e[1]), (function,)))]


def prove(folder, file, function, seconds=SECONDS):
    """(proved, goals, text) of one function."""
    source = re.sub(r"\.h$", ".c", file)
    if not os.path.exists(os.path.join(folder, source)):
        with open(os.path.join(folder, source), "w", encoding="utf-8") as f:
            f.write(f'#include "{file}"\n')
    command = ["frama-c", "-no-unicode", "-c11", "-machdep", "gcc_x86_64", "-wp", "-wp-rte", "-wp-prover", "z3,cvc4",
               "-wp-timeout", str(seconds), "-wp-par", "4", "-wp-fct", function,
               f"-cpp-extra-args=-I{folder} -I{folder}/hal/host -DPROVE_{function} -include {HERE}/bits.h", os.path.join(folder, source)]
    command += ["-wp-split"] if function in SPLIT else []
    p = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    m = re.search(r"Proved goals:\s+(\d+) / (\d+)", p.stdout)
    if p.returncode != 0 or m is None:
        return 0, 1, p.stdout
    return int(m.group(1)), int(m.group(2)), p.stdout


def show(name, ok, what):
    print(f"{'ok  ' if ok else 'FAIL'} {name:28} {what}", flush=True)
    return ok


def prove_function(root, folder, entries, entry):
    annotated_tree(root, folder, entries_for(entry[1][0], entries))
    proved, goals, text = prove(folder, entry[0], entry[1][0])
    ok = proved == goals and goals > 0
    show(entry[1][0], ok, f"{proved} of {goals} goals proved")
    if not ok:
        print("\n".join("     " + line for line in text.splitlines() if "Failed" in line or "rror" in line))
    return ok


def prove_planted(root, folder, entries, planted):
    annotated_tree(root, folder, entries_for(planted[3], entries), planted)
    proved, goals, text = prove(folder, planted[0], planted[3], PLANTED_SECONDS.get(planted[3], 5))
    ok = "Proved goals" in text and proved < goals
    return show(f"{planted[3]}, broken", ok, "is refused, as it must be" if ok else "is proved: then the proofs mean nothing")


def bit(w, k):
    return w >> k & 1 == 1


def try_axioms():
    """The axioms of bits.h on many numbers: Python's integers are two's complement without end, too."""
    rng = random.Random(1)
    some = [0, 1, -1, 2**64 - 1, 2**63, 2**32] + [rng.getrandbits(rng.randrange(1, 70)) * rng.choice((1, -1)) for _ in range(60)]
    bad = 0
    for a in some:
        n, word = rng.randrange(64), a % 2**64
        low = (word & -word).bit_length() - 1
        bad += word ^ 2**64 - 1 != 2**64 - 1 - word or any(word % 2**32 & 2**32 - 2**s != word % 2**32 - word % 2**s for s in range(10))
        bad += bin(word % 2**(n + 1)).count("1") != bin(word % 2**n).count("1") + (word >> n & 1)
        bad += any(a >> k != a // 2**k for k in range(1, 30))
        bad += (a & 1 == 1) != bit(a, 0) or word & 3 != word % 4 or word & (1 << n) - 1 != word % (1 << n)
        bad += any(bit((1 << n) % 2**64 - 1, k) != (k < n) for k in range(64))
        bad += (word != 0 and not any(bit(word, k) for k in range(64))) or (word != 2**64 - 1 and all(bit(word, k) for k in range(64)))
        for k in range(70):
            bad += bit(a % 2**8, k) != (k < 8 and bit(a, k)) or bit(a % 2**32, k) != (k < 32 and bit(a, k))
            bad += bit(~a, k) == bit(a, k) or (k < 64 and bit(word, k) != bit(a, k)) or (k >= 64 and bit(word, k))
            bad += bit(a << n, k) != (k >= n and bit(a, k - n)) or bit(a >> n, k) != bit(a, k + n)
            bad += word > 0 and bit(word - 1, k) != (k < low or (k > low and bit(word, k)))
        for b in some:
            m = abs(b)
            bad += not 0 <= word & m <= word
            other = b % 2**64
            bad += any(word != x and all(bit(word, k) == bit(x, k) for k in range(64)) for x in (other, other | n))
            bad += (word & ~m % 2**64) != word - (word & m)
            bad += any(bit(a & b, k) != (bit(a, k) and bit(b, k)) or bit(a | b, k) != (bit(a, k) or bit(b, k)) or
                       bit(a ^ b, k) != (bit(a, k) != bit(b, k)) for k in range(70))
    bad += any(bit((1 << a) - (2 << b), k) != (b < k < a) for a in range(9) for b in range(a) for k in range(64))
    bad += any(bit(2**64 - 2, k) != (k >= 1) or bit(0xFE, k) != (1 <= k < 8) for k in range(64))
    bad += any((a & 2 != 0) != (a >= 2) or (a & 1 != 0) != (a % 2 == 1) for a in range(4))
    bad += any((a << 1 | b) != 2 * a + b for a in (0, 1) for b in (0, 1))
    return show("axioms of bits.h", bad == 0, "hold on all numbers tried" if bad == 0 else f"{bad} times not true")


def spin(model, folder, define):
    """(errors, states) of one check."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for command in (["spin", "-a"] + ([f"-D{define}"] if define else []) + [model],
                    ["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=3000", "-o", "pan", "pan.c"],
                    ["./pan", "-m100000"]):
        p = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if p.returncode != 0:
            raise Wrong(f"prove: {' '.join(command)} failed: {p.stdout[-400:]}")
    found = re.search(r"errors: (\d+)", p.stdout)
    states = re.search(r"(\d+) states, stored", p.stdout)
    if found is None or states is None or "Search not completed" in p.stdout and found.group(1) == "0":
        raise Wrong(f"prove: the search in {os.path.basename(model)} did not come to its end: {p.stdout[-400:]}")
    return int(found.group(1)), int(states.group(1))


def check_model(model, folder):
    name = os.path.basename(model)
    with open(model, encoding="utf-8") as f:
        errors_planted = re.findall(r"-D(\w+):", f.read().split("*/")[0])
    errors, states = spin(model, folder, None)
    good = [show(name, errors == 0, f"{errors} errors in {states} states, all there are")]
    for define in errors_planted:
        errors, _ = spin(model, folder, define)
        good.append(show(f"{name} -D{define}", errors > 0, "the planted error is found" if errors else "the planted error is NOT found"))
    if not errors_planted:
        raise Wrong(f"prove: {name} names no planted error, so nobody knows whether it can fail")
    return good


def main():
    parser = argparse.ArgumentParser(description="Proofs with Frama-C, models with SPIN.")
    parser.add_argument("--build", required=True)
    parser.add_argument("--root", default=os.path.join(HERE, "..", ".."))
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    missing = [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    if missing:
        raise Wrong(f"prove: not all tools are here; on Debian: apt install --no-install-recommends {' '.join(missing)}")
    build = os.path.abspath(args.build)
    os.makedirs(build, exist_ok=True)
    os.environ["WHY3CONFIG"] = os.path.join(build, "why3.conf")
    subprocess.run(["why3", "-C", os.environ["WHY3CONFIG"], "config", "detect"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    entries = [e for name in sorted(os.listdir(HERE)) if name.endswith(".acsl") for e in read_spec(os.path.join(HERE, name))]
    folder = os.path.join(build, "source")
    wanted = lambda name: not args.names or name in args.names
    results = [try_axioms()] if wanted("axioms") else []
    results += [prove_function(args.root, folder, entries, e) for e in entries if len(e[1]) == 1 and wanted(e[1][0])]
    results += [prove_planted(args.root, os.path.join(build, "planted"), entries, p) for p in PLANTED if wanted(p[3])]
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".pml") and wanted(name):
            results += check_model(os.path.join(HERE, name), os.path.join(build, "spin"))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as e:
        print(e, file=sys.stderr)
        sys.exit(2)
