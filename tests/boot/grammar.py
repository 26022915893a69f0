"""The grammar of the log, as tests/boot/GRAMMAR.md has it: what a line may look like."""
import os
import re

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "GRAMMAR.md")
SIZE = r"(?:\d+ bytes|\d+\.\d [KMGTP]iB)"
WORDS = {"N": r"\d+", "X": r"0x[0-9a-f]+", "A": r"0x[0-9a-f]{16}", "SIZE": SIZE, "TEXT": r"\S.*?"}
FORM = re.compile(r"^ {4}([a-z]+): (.*?)(?: {2,}.*)?$", re.M)


def pattern_of(form):
    """A form as a regular expression; a TEXT in quotation marks may be empty."""
    parts = re.split(r'("TEXT"|\b(?:N|X|A|SIZE|TEXT)\b)', form)
    return re.compile("".join('"[^"]*"' if part == '"TEXT"' else WORDS.get(part) or re.escape(part) for part in parts) + "$")


class Grammar:
    def __init__(self, text=None):
        if text is None:
            with open(PAGE, encoding="ascii") as file:
                text = file.read()
        self.forms = {}
        for topic, form in FORM.findall(text):
            self.forms.setdefault(topic, []).append(pattern_of(form))
        listed = dict(re.findall(r"^(also|topics): ((?:[a-z]+[ \n])+)", text, re.M))
        self.free = {*listed["topics"].split(), *listed["also"].split()}

    def wrong(self, line):
        """None, or what is wrong with a line without its stamp."""
        topic, colon, text = line.partition(": ")
        if not colon or not re.fullmatch(r"[a-z]+", topic) or not re.fullmatch(r"[ -~]+", text):
            return "it is not TOPIC: TEXT"
        if any(form.match(text) for form in self.forms.get(topic, ())) or topic in self.free:
            return None
        return "it has no form of its topic" if topic in self.forms else "the page has no such topic"
