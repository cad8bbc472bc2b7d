"""The world around the daemon, private and on this machine alone.

    process     a child process: its lines, its signals, its end
    keeper      outlives everybody and removes the lab's directory
    world       one directory and what runs in it, torn down together
    postgres    a Postgres cluster, and PgBouncer before it
    sigv4       signs a request to AWS
    sqs         the local SQS, and a client for it
    jobs        the job table, the publisher, and looks at the rows
    daemon      nexus-worker under a service manager's eyes
    feed        lines as they come, and how to wait for one
    case        what the integration tests stand on; identity: those of credentials,
                sqs_case: those of the local SQS itself
    story       what is known of one job from outside, and the promises that it breaks;
                checker: collects and judges them; fault_case: what tests/fault stands on
    points      where on a job's way a daemon may be ended, and the way there
    relay       stands between the daemon and a service: cuts, stalls, TLS, a proxy
    authority   certificates, made when a test wants them
    resolver    name servers that a test plays
    booted      a Debian that has booted, as one administers it; booted_case: what tests/system
                stands on
    javascript, botocore_client
                clients of the local SQS that nobody here wrote
    tap         runs unittest cases and reports as tests/run reads it

Read world.py first. Used by the demo, the integration tests and the benchmark alike. Nothing here
sleeps for a guessed time: everything waits for an event or a condition, up to a deadline.
"""
