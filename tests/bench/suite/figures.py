# SPDX-License-Identifier: Apache-2.0
"""What was measured: lines of a table as it goes on, and a verdict for each figure at the end."""
import os
import statistics
import time
import traceback


def cpu_s(pid):
    """Processor time of all threads of a process so far, user and system."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid):
    """Memory that the process alone holds and that no file backs."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
    raise ValueError("no Anonymous in smaps_rollup")


median = statistics.median


class Figures:
    def __init__(self):
        self.verdicts = []
        self.began = time.monotonic()
        print(f"{os.cpu_count()} cores, load {' '.join(f'{x:.1f}' for x in os.getloadavg())}\n")
        print(f"{'work':<50} {'ours':>16} {'bare':>16} {'ratio':>7}", flush=True)

    def row(self, work, ours, bare="", ratio=None):
        print(f"{work:<50} {ours:>16} {bare:>16} {'' if ratio is None else f'{ratio:.2f}':>7}", flush=True)

    def note(self, text):
        print(f"  {text}", flush=True)

    def judge(self, name, value, goal, at_least=False):
        is_ok = value >= goal if at_least else value <= goal
        self.say(f"bench: {name} value={value:.3g} goal={goal:g} {'ok' if is_ok else 'short'}")

    def say(self, line):
        self.verdicts.append(line)

    def take(self, part, measure, *arguments):
        """Runs one part. A fault in it hides neither what it measured before nor the other parts; False when there was one."""
        try:
            measure(*arguments)
            return True
        except (Exception, SystemExit) as error:  # pylint: disable=broad-except
            traceback.print_exc()
            why = (str(error).splitlines() or [""])[0]
            self.say(f"bench: {part} value=- goal=- short ({type(error).__name__}: {why})")
            return False

    def close(self):
        print(f"\nload {' '.join(f'{x:.1f}' for x in os.getloadavg())}, {time.monotonic() - self.began:.0f} s")
        for line in self.verdicts:
            print(line)
