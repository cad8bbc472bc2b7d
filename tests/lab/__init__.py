"""The world around the daemon, private and on this machine alone.

    process     a child process: its lines, its signals, its end
    keeper      outlives everybody and removes the lab's directory
    world       one directory and what runs in it, torn down together
    postgres    a Postgres cluster, and PgBouncer before it
    sigv4       signs a request to AWS
    sqs         the local SQS, and a client for it
    jobs        the job table, the publisher, and looks at the rows
    daemon      nexus-worker under a service manager's eyes
    tap         runs unittest cases and reports as tests/run reads it

Read world.py first. Used by the demo, the integration tests and the benchmark alike. Nothing here
sleeps for a guessed time: everything waits for an event or a condition, up to a deadline.
"""
