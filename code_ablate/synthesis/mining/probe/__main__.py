"""`python -P -s -S THIS_FOLDER SANDBOX SETUP`: runs code of others, isolated as in the sandbox.

Each line of standard input is a job: code, and calls of its functions. The answer, a line of
standard output, is what the calls gave. Every job has a process of its own, which the sandbox's
driver starts: it sees no file, no other process and no network, and is limited in what it may use.
"""

import json
import sys


def main() -> None:
    """Answers jobs until there are no more."""
    sandbox, setup = sys.argv[1:3]
    sys.path.insert(0, sandbox)
    from inside import driver, wire

    given = wire.decode(bytes.fromhex(setup))
    for line in sys.stdin:
        job = json.loads(line)
        answer = {"problem": "", "outcomes": None}
        try:
            child = driver.start(given)
            try:
                child.ready()
                child.ask("run", job["code"])
                probe = child.ask("global", "probe_")
                answer["outcomes"] = json.loads(probe(job["calls"]))
            finally:
                child.stop()
        except OSError as error:
            answer["problem"] = str(error)
        except BaseException as error:
            answer["failed"] = type(error).__name__
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
