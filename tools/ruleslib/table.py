# SPDX-License-Identifier: Apache-2.0
"""The rows of docs/RULES.md, and what a row's mutation makes of its file."""
import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
COLUMNS = 5


class Row:
    """`file:name` is the place, `old` becomes `new` in it. `test` is a test of crm/'s program, or one in `test_file`."""

    def __init__(self, number, line):
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        cells += [""] * (COLUMNS - len(cells))
        code = [re.findall(r"`([^`]*)`", cell) for cell in cells]
        self.number, self.rules = number, cells[0].split(", ")
        self.file, _, self.name = "".join(code[2]).partition(":")
        self.test_file, _, self.test = "".join(code[3]).rpartition(":")
        self.old, self.new = code[4] if len(code[4]) == 2 else (None, None)

    def is_of_crm(self):
        return not self.test_file

    def fault(self, why):
        return f"docs/RULES.md:{self.number}: {', '.join(self.rules)}: {why}"

    def check_names(self):
        """What is wrong with the row's test, or None: one of crm/'s is named after the rule, another is where the row says."""
        if self.is_of_crm():
            return None if self.test.startswith(self.rules[0].replace("-", "_") + "_") else self.fault(f"{self.test} is not named after the rule")
        path = SOURCE / self.test_file
        if path.is_file() and re.search(rf"^(def|static void) {re.escape(self.test)}\(", path.read_text(encoding="utf-8"), re.M):
            return None
        return self.fault(f"there is no {self.test_file}:{self.test}")

    def mutate(self):
        """(the mutated text of the file, None), or (None, what is wrong with the row)."""
        path = SOURCE / self.file
        if self.old is None or not path.is_file():
            return None, self.fault(f"no mutation, or no file {self.file}")
        text = path.read_text(encoding="utf-8")
        span = find_definition(text, self.name)
        if span is None:
            return None, self.fault(f"{self.file} does not define {self.name}")
        old = re.compile(r"\s+".join(re.escape(word) for word in self.old.split()))
        body = text[span[0]:span[1]]
        if len(old.findall(body)) != 1:
            return None, self.fault(f"`{self.old}` occurs {len(old.findall(body))} times in {self.name}, not once")
        return text[:span[0]] + old.sub(lambda _: self.new, body) + text[span[1]:], None


def read_rows():
    lines = (SOURCE / "docs/RULES.md").read_text(encoding="utf-8").splitlines()
    return [Row(number, line) for number, line in enumerate(lines, 1) if re.match(r"\| [A-Z]{1,3}-\d\d[ ,]", line)]


def find_definition(text, name):
    """The span of the function or table `name`: from its line, which begins in the first column, to the closing brace there."""
    pattern = re.compile(rf"^(?![ \t}}#/*]).*\b{re.escape(name)}\b(?!.*;$)", re.M)
    for start in pattern.finditer(text):
        first = text[start.start():].split("\n", 1)[0]
        if first.endswith("}"):
            return start.start(), start.start() + len(first)
        end = re.compile(r"^\}.*$", re.M).search(text, start.end())
        return start.start(), end.end()
    line = re.search(rf"^\S.*\b{re.escape(name)}\b.*;$", text, re.M)  # a constant of one line
    return line.span() if line else None
