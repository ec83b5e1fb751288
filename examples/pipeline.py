"""Pipeline: a ventilator hands out work, workers do it, a sink gathers the results.

    python examples/pipeline.py [--workers 4] [--tasks 20]

PUSH hands the tasks to the workers in turn; PULL takes from them in turn.
"""

import argparse
import time
from collections import Counter

import gevent

import gzmtp as zmq


def work(context, name, source, sink):
    with context.socket(zmq.PULL) as tasks, context.socket(zmq.PUSH) as results:
        tasks.connect(source)
        results.connect(sink)
        while True:
            task = tasks.recv_json()
            if task is None:
                return
            gevent.sleep(task["seconds"])
            results.send_json({"worker": name, "number": task["number"]})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--tasks", type=int, default=20)
    arguments = parser.parse_args()

    with zmq.Context() as context:
        ventilator, sink = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        with ventilator, sink:
            source_port = ventilator.bind_to_random_port("tcp://127.0.0.1")
            sink_port = sink.bind_to_random_port("tcp://127.0.0.1")
            ends = f"tcp://127.0.0.1:{source_port}", f"tcp://127.0.0.1:{sink_port}"
            names = [f"worker {number}" for number in range(1, arguments.workers + 1)]
            workers = [gevent.spawn(work, context, name, *ends) for name in names]

            # A bound PUSH hands everything to who is there first: let all connect.
            with ventilator.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as monitor:
                for _ in workers:
                    monitor.recv_multipart()

            begin = time.perf_counter()
            for number in range(arguments.tasks):
                ventilator.send_json({"number": number, "seconds": 0.05})
            done = Counter(sink.recv_json()["worker"] for _ in range(arguments.tasks))
            seconds = time.perf_counter() - begin

            for _ in workers:
                ventilator.send_json(None)
            gevent.joinall(workers, raise_error=True)
        for name in names:
            print(f"{name}: {done[name]} tasks")
        alone = arguments.tasks * 0.05
        print(f"{arguments.tasks} tasks in {seconds:.2f} s; one worker would need {alone:.2f} s")


if __name__ == "__main__":
    main()
