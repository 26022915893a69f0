#!/usr/bin/env python3
"""Tests of mutate.py, on a toy tree: does it see what is planted?

    mutate_test.py

The toy has one function with a test that pins it, and one whose chunk size nobody can see from outside.
Ends with "N passed, N failed". Standard library only; clang and lld as for mutate.py.
"""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import mutants  # noqa: E402

PINNED = """#include "mm/toy.h"
unsigned toy_clip(unsigned n)
{
    return n > 7 ? 7 : n;
}
"""
HIDDEN = """#include "mm/toy.h"
#define CHUNK 16
unsigned toy_sum(const unsigned char *bytes, unsigned n)
{
    unsigned sum = 0;
    unsigned left = n;
    while (left > 0) {
        unsigned now = left < CHUNK ? left : CHUNK;
        for (unsigned i = 0; i < now; i++)
            sum += bytes[n - left + i];
        left -= now;
    }
    return sum;
}
"""
HEADER = "unsigned toy_clip(unsigned n);\nunsigned toy_sum(const unsigned char *bytes, unsigned n);\n"
TEST = """#include "mm/toy.h"
#include <stdio.h>
int main(void)
{
    unsigned char bytes[100];
    unsigned sum = 0, bad = 0;
    for (unsigned i = 0; i < 100; i++)
        sum += bytes[i] = (unsigned char)(i * 7 + 1);
    for (unsigned n = 0; n < 20; n++)
        bad += toy_clip(n) != (n < 7 ? n : 7);
    bad += toy_sum(bytes, 100) != sum;
    for (unsigned i = 33; i < 100; i++)
        sum -= bytes[i];
    bad += toy_sum(bytes, 33) != sum;
    printf("%d passed, %u failed\\n", TESTS, bad);
    return bad != 0;
}
"""
# The chunk may have any size but 0.
ARGUED = "* `mm/hidden.c`: `#define CHUNK 16` -> any: the sum is the same.\n"
FREE = "* `mm/hidden.c`: `unsigned now = left < CHUNK ? left : CHUNK;` -> any: the sum is the same.\n"


class Toy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write("mm/toy.h", HEADER)
        self.write("mm/pinned.c", PINNED)
        self.write("mm/hidden.c", HIDDEN)
        self.write("hal/host/none.c", "int toy_none;\n")
        self.write("tests/test.c", "int toy_frame;\n")
        self.write("tests/unit/main.c", TEST.replace("TESTS", "2"))

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def mutate(self, *arguments):
        p = subprocess.run([sys.executable, os.path.join(HERE, "mutate.py"), "--root", self.folder.name, "--build",
                            os.path.join(self.folder.name, "build"), *arguments], capture_output=True, text=True, check=False)
        return p.returncode, p.stdout + p.stderr

    def test_a_plain_mutant_is_noticed(self):
        status, text = self.mutate("mm/pinned.c")
        self.assertEqual(status, 0, text)
        self.assertNotIn("nobody notices", text)
        # `>` and `?` have two changes, the two constants two each; n >= 7 gives the same code, and so does n > 6.
        self.assertIn("6 of 6 mutants noticed: 100.00 %", text)

    def test_what_nobody_can_see_lives_and_is_reported_and_a_hang_is_noticed(self):
        status, text = self.mutate("mm/hidden.c")
        self.assertEqual(status, 1, text)
        self.assertIn("mm/hidden.c:2: nobody notices\n    - #define CHUNK 16\n    + #define CHUNK 17\n", text)
        self.assertNotIn("+ left += now;", text)  # that one hangs, so it is noticed

    def test_what_is_argued_for_is_taken_out_of_the_share(self):
        self.write("tests/mutate/equivalent.md", ARGUED + FREE)
        status, text = self.mutate()
        self.assertEqual(status, 0, text)
        self.assertIn("aside: 100.00 %", text)

    def test_arguments_for_a_line_that_is_gone_and_for_a_mutant_that_is_noticed_are_errors(self):
        self.write("tests/mutate/equivalent.md", ARGUED + FREE + "* `mm/pinned.c`: `return n;` -> `return 0;`: no.\n"
                   "* `mm/hidden.c`: `left -= now;` -> `left += now;`: no.\n")
        status, text = self.mutate()
        self.assertEqual(status, 1, text)
        self.assertIn("take it out: return n; -> return 0;", text)
        self.assertIn("take it out: left -= now; -> left += now;", text)
        self.assertEqual(text.count("take it out"), 2, text)

    def test_a_line_that_is_no_entry_is_refused(self):
        self.write("tests/mutate/equivalent.md", "* `mm/hidden.c` is fine\n")
        status, text = self.mutate()
        self.assertEqual(status, 2, text)
        self.assertIn("equivalent.md:1: not an entry", text)

    def test_programs_that_fail_as_they_are_are_refused(self):
        self.write("mm/pinned.c", PINNED.replace("n > 7", "n > 8"))
        status, text = self.mutate()
        self.assertEqual(status, 2, text)
        self.assertIn("unit does not pass as the tree is", text)

    def test_programs_that_test_nothing_are_refused(self):
        self.write("tests/unit/main.c", TEST.replace("TESTS", "0"))
        status, text = self.mutate()
        self.assertEqual(status, 2, text)
        self.assertIn("unit does not pass as the tree is", text)

    def test_a_tree_that_does_not_compile_is_refused(self):
        self.write("mm/pinned.c", PINNED + "}")
        status, text = self.mutate()
        self.assertEqual(status, 2, text)

    def test_a_file_that_does_not_exist_is_refused(self):
        status, text = self.mutate("mm/toys.c")
        self.assertEqual(status, 2, text)
        self.assertIn("there is no mm/toys.c", text)

    def test_a_file_without_mutants_measures_nothing(self):
        self.write("mm/empty.c", "int toy_empty;\n")
        status, text = self.mutate("mm/empty.c")
        self.assertEqual(status, 1, text)
        self.assertIn("nothing was measured", text)

    def test_a_sample_is_the_same_each_time(self):
        first = self.mutate("--sample", "3", "mm/pinned.c")[1]
        second = self.mutate("--sample", "3", "mm/pinned.c")[1]
        self.assertIn("mutate: 3 of ", first)
        self.assertEqual(first, second)


class Making(unittest.TestCase):
    """What is changed, and what is left alone."""

    def news(self, source, file="mm/x.c"):
        return [m.new for m in mutants.mutants_of(file, source)]

    def test_operators_constants_and_conditions(self):
        self.assertEqual(self.news("int f(int a)\n{\n    if (a < 2)\n        a++;\n    return !a;\n}\n"),
                         ["if (1)", "if (0)", "if (a <= 2)", "if (a >= 2)", "if (a < 3)", "if (a < 1)", "a--;", "return a;"])

    def test_a_number_keeps_its_suffix(self):
        self.assertEqual(self.news("unsigned a = 0x10u;\n"), ["unsigned a = 17u;", "unsigned a = 15u;"])

    def test_stars_of_pointers_signs_strings_and_comments_stay(self):
        self.assertEqual(self.news('/* a + 1 */ char *f(char *p, int *q); const char *s = "1 + 1"; // 2\n'), [])

    def test_includes_asserts_and_advice_stay(self):
        self.assertEqual(self.news('#include <a.h>\n#if 1 < 2\n#endif\n_Static_assert(1 + 1, "");\n'
                                   "int x = __builtin_expect(a, 1);\n"), [])

    def test_the_body_of_a_define_is_changed(self):
        self.assertEqual(self.news("#define A 1u\n"), ["#define A 2u", "#define A 0u"])

    def test_of_a_header_only_functions(self):
        self.assertEqual(self.news("#define A 1\nenum { B = 1 };\nstatic inline int f(void)\n{\n    return 1;\n}\n", "mm/x.h"),
                         ["return 2;", "return 0;"])

    def test_a_condition_over_two_lines_moves_no_line(self):
        source = "void f(void)\n{\n    if (a ||\n        b)\n        g();\n}\n"
        for m in mutants.mutants_of("mm/x.c", source):
            self.assertEqual(mutants.apply(source, m).count("\n"), source.count("\n"))

    def test_every_mutant_differs_from_the_source(self):
        for m in mutants.mutants_of("mm/x.c", HIDDEN):
            self.assertNotEqual(mutants.apply(HIDDEN, m), HIDDEN)


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad or result.testsRun == 0 else 0)
