"""Steps with a time limit each and a deadline for all of them, and the record of what came of them.  Needs no packages."""

import os
import signal
import subprocess
import tempfile
import time

STATUSES = ("passed", "failed", "skipped", "cut", "rehearsed")
LEAST_SECONDS = 10.0  # with less left a step is not begun
TAIL = 1500  # characters of output that are kept
GRACE = 5.0  # seconds that a command has after SIGTERM


class Failed(Exception):
    """A step that failed: a sentence, and the end of the output."""

    def __init__(self, reason, output=""):
        super().__init__(reason)
        self.output = output


class Skipped(Exception):
    """A step that cannot be done here: the reason."""


class TimedOut(Failed):
    """A command that was stopped."""


def stop(child):
    """Ends the child and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            pass
        try:
            child.wait(GRACE)
            if number == signal.SIGKILL:
                return
        except subprocess.TimeoutExpired:
            pass


def run(command, seconds, **options):
    """The output of a command, both streams together.  Raises TimedOut, or Failed where its status is not 0."""
    with tempfile.TemporaryFile() as log:
        try:
            child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT, start_new_session=True, **options)
        except OSError as err:
            raise Failed(f"{command[0]}: {err.strerror}") from None
        try:
            status = child.wait(max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            status = None
        finally:
            stop(child)  # whatever it left running
        log.seek(0)
        output = log.read().decode(errors="replace")
    if status is None:
        raise TimedOut(f"not done after {seconds:.0f} s", output)
    if status != 0:
        raise Failed(f"exit status {status}", output)
    return output


class Steps:
    """Carries steps out one after the other; `record` has an entry for each."""

    def __init__(self, budget, scale=1.0, clean=lambda text: text, say=print, clock=time.monotonic):
        self.clock, self.say, self.clean, self.scale = clock, say, clean, scale
        self.begin = clock()
        self.deadline = self.begin + budget
        self.record = []

    def left(self):
        return self.deadline - self.clock()

    def status(self, name):
        return next((entry["status"] for entry in self.record if entry["name"] == name), None)

    def missing(self, needs):
        """The first step that this one builds on and that did not succeed, or None."""
        return next((name for name in needs if self.status(name) not in ("passed", "rehearsed")), None)

    def step(self, name, limit, action, needs=(), good="passed"):
        """Runs action(seconds), which returns (a sentence or "", output).  True: it is `good`, which may be "rehearsed"."""
        limit = limit * self.scale
        entry = {"name": name, "status": good, "reason": None, "seconds": 0.0, "limit_s": round(limit), "tail": ""}
        lacking, allowed, begin = self.missing(needs), min(limit, self.left()), self.clock()
        output = ""
        self.say(f"==> {name}")
        try:
            if lacking:
                raise Skipped(f"it needs the step '{lacking}', which was {self.status(lacking) or 'not done'}")
            if allowed < LEAST_SECONDS:
                entry["status"], entry["reason"] = "cut", "the time for all steps was used up before it began"
            else:
                entry["reason"], output = action(allowed)
        except Skipped as err:
            entry.update(status="skipped", reason=str(err))
        except TimedOut as err:
            cut = allowed < limit
            entry.update(status="cut" if cut else "failed",
                         reason="the time for all steps was used up within it" if cut else str(err))
            output = err.output
        except Failed as err:
            entry.update(status="failed", reason=str(err))
            output = err.output
        except Exception as err:  # a fault of a step's own code must not stop the others
            entry.update(status="failed", reason=f"{type(err).__name__}: {err}")
        entry["seconds"] = round(self.clock() - begin, 1)
        entry["reason"] = self.clean(entry["reason"])[:600] if entry["reason"] else None
        entry["tail"] = self.clean(output.strip())[-TAIL:]
        self.record.append(entry)
        if entry["status"] == "failed" and entry["tail"]:
            self.say(entry["tail"])
        self.say(f"    {entry['status']} in {entry['seconds']:.0f} s" + (f": {entry['reason']}" if entry["reason"] else ""))
        return entry["status"] == good

    def counts(self):
        return {status: sum(entry["status"] == status for entry in self.record) for status in STATUSES}

    def exit_status(self):
        """0: each step succeeded, or was skipped with a reason."""
        counts = self.counts()
        return int(counts["failed"] + counts["cut"] > 0 or counts["passed"] + counts["rehearsed"] == 0)

    def table(self):
        width = max((len(entry["name"]) for entry in self.record), default=0)
        for entry in self.record:
            yield f"{entry['name']:<{width}}  {entry['status']:<9} {entry['seconds']:>6.0f} s  {entry['reason'] or ''}".rstrip()
        counts = self.counts()
        yield ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status] or status in ("passed", "failed"))
