"""Checks that count, for scripts of several: each one that fails is told, and end() has the last line."""


class Checks:
    passed = failed = 0

    def check(self, ok, what):
        self.passed, self.failed = self.passed + bool(ok), self.failed + (not ok)
        if not ok:
            print("FAIL", what)

    def equal(self, actual, expected, what):
        """A long value, such as a file's bytes, is told by its beginning."""
        self.check(actual == expected, f"{what}: {actual!r:.10000}, expected {expected!r:.10000}")

    def end(self):
        """Print the count, and answer the exit status. One who checked nothing has failed."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
