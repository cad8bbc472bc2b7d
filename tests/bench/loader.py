"""Sends a share of the messages: loader.py PORT QUEUE-URL TYPE FIRST LAST."""

import sys

from lab.jobs import body
from lab.sqs import Client, Queue


def job_id(number):
    return f"bench-{number:08d}"


def main():
    port, url, job_type, first, last = sys.argv[1:]
    client = Client(int(port))
    Queue(client, "bench", url).send(
        [body(job_id(number), job_type) for number in range(int(first), int(last))])
    client.close()


if __name__ == "__main__":
    main()
