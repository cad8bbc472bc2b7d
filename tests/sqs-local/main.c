/*
 * sqs-local: enough of SQS to test a consumer against, on one loopback port.
 *
 *   main            options, signals, the loop
 *   front           HTTP: whole requests in, answers out, held connections
 *   service         a request's way: control, faults, auth, permission, action, wait
 *     control       the side for tests (/_control/...)
 *     faults        what a test has ordered to go wrong; damage does it to an answer
 *     auth          the signature, over canonical and keys
 *   identity        where credentials come from, beside SQS
 *     sts           AssumeRole and its kin; over sts_actions, form
 *     metadata      an instance's metadata service
 *     container     a container's credentials endpoint
 *     issuer        the temporary keys that these hand out; terms: what tests order of them
 *   actions         the table of SQS's actions
 *     queue_actions, tag_actions, permission_actions, move_actions, message_actions,
 *     receive_action; batch, input, attributes, settings, tags, failure
 *   account         the queues of the account
 *     move_task     brings dead letters back, at a pace
 *     local_queue   one queue: messages, visibility, age; over heap, slots, handle
 *   digest, rng, wire, must
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "front.h"
#include "must.h"

struct options {
	struct account_options account;
	uint16_t port;
	const char *port_file;
	bool strand;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void main_help(void)
{
	puts("sqs-local [options]: a local SQS for tests, on 127.0.0.1,\n"
	     "and the services from which AWS credentials come\n"
	     "\n"
	     "  --port N             port; 0 (default): one that is free\n"
	     "  --port-file FILE     write the port there once it accepts\n"
	     "  --region NAME        default us-east-1\n"
	     "  --account ID         default 123456789012\n"
	     "  --key ID:SECRET[:Action,Action...]\n"
	     "                       an access key and what it may do (default: all); repeatable\n"
	     "  --full-batches       receives give all they may; otherwise often fewer, and short\n"
	     "                       polls sometimes nothing, as the real service does\n"
	     "  --seed N             of chance (default 1)\n"
	     "  --strand             messages may be handed to a long poll whose client is gone\n"
	     "                       and then stay hidden, as can happen with the real service\n"
	     "  --in-flight-max N    messages that a queue lets be in flight (default 120000)\n"
	     "  --recreate-after N   seconds for which a deleted queue's name is taken (AWS: 60;\n"
	     "                       default 0)\n"
	     "  --help\n"
	     "\n"
	     "Prints `listening on http://127.0.0.1:PORT`. Ends on SIGTERM and SIGINT.\n"
	     "For tests: /_control/stats, queue?name=NAME, faults, clock, keys, redeliver, roles,\n"
	     "metadata, container.");
}

enum option_id {
	OPTION_PORT = 256,
	OPTION_PORT_FILE,
	OPTION_REGION,
	OPTION_ACCOUNT,
	OPTION_KEY,
	OPTION_FULL_BATCHES,
	OPTION_SEED,
	OPTION_STRAND,
	OPTION_IN_FLIGHT_MAX,
	OPTION_RECREATE_AFTER,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"port", required_argument, NULL, OPTION_PORT},
	{"port-file", required_argument, NULL, OPTION_PORT_FILE},
	{"region", required_argument, NULL, OPTION_REGION},
	{"account", required_argument, NULL, OPTION_ACCOUNT},
	{"key", required_argument, NULL, OPTION_KEY},
	{"full-batches", no_argument, NULL, OPTION_FULL_BATCHES},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"strand", no_argument, NULL, OPTION_STRAND},
	{"in-flight-max", required_argument, NULL, OPTION_IN_FLIGHT_MAX},
	{"recreate-after", required_argument, NULL, OPTION_RECREATE_AFTER},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static bool main_number(const char *text, unsigned long long max, unsigned long long *ret)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > max)
		return false;
	*ret = value;
	return true;
}

/* One option; false: its value cannot be. */
static bool main_option(int option, struct options *options, struct key_list *keys)
{
	unsigned long long number = 0;

	switch ((enum option_id)option) {
	case OPTION_PORT:
		if (!main_number(optarg, UINT16_MAX, &number))
			return false;
		options->port = (uint16_t)number;
		return true;
	case OPTION_PORT_FILE:
		options->port_file = optarg;
		return true;
	case OPTION_REGION:
		options->account.region = optarg;
		return *optarg;
	case OPTION_ACCOUNT:
		options->account.id = optarg;
		return strlen(optarg) == 12 && strspn(optarg, "0123456789") == 12;
	case OPTION_KEY:
		return keys_parse(keys, optarg);
	case OPTION_FULL_BATCHES:
		options->account.full_batches = true;
		return true;
	case OPTION_SEED:
		if (!main_number(optarg, UINT64_MAX, &number))
			return false;
		options->account.seed = number;
		return true;
	case OPTION_STRAND:
		options->strand = true;
		return true;
	case OPTION_IN_FLIGHT_MAX:
		if (!main_number(optarg, UINT32_MAX, &number))
			return false;
		options->account.in_flight_max = number;
		return true;
	case OPTION_RECREATE_AFTER:
		if (!main_number(optarg, 3600, &number))
			return false;
		options->account.recreate_after = number * USEC_PER_SEC;
		return true;
	case OPTION_HELP:
		break;
	}
	return false;
}

/* -1: go on; otherwise the exit status. */
static int main_options(int argc, char **argv, struct options *options, struct key_list *keys)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == OPTION_HELP) {
			main_help();
			return 0;
		}
		if (option == '?')
			return 64;
		if (!main_option(option, options, keys)) {
			fprintf(stderr, "sqs-local: --%s: this value cannot be\n",
				long_options[option - OPTION_PORT].name);
			return 64;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sqs-local: no argument expected: %s\n", argv[optind]);
		return 64;
	}
	return -1;
}

/* Every long poll holds a descriptor. */
static void main_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Signals are let in only where the loop waits, so that none is missed. */
static void main_catch_signals(sigset_t *ret_while_waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigprocmask(SIG_BLOCK, &ending, ret_while_waiting);
	sigdelset(ret_while_waiting, SIGTERM);
	sigdelset(ret_while_waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int main_announce(const struct front *front, const char *port_file)
{
	if (port_file) {
		FILE *file = fopen(port_file, "we");
		if (!file)
			return -errno;
		fprintf(file, "%u\n", front_port(front));
		if (fclose(file) != 0)
			return -errno;
	}
	printf("listening on http://127.0.0.1:%u\n", front_port(front));
	fflush(stdout);
	return 0;
}

static void main_loop(struct front *front, const sigset_t *while_waiting)
{
	struct pollfd http = {.fd = front_fd(front), .events = POLLIN};

	while (!stopped) {
		usec_t wait = front_turn(front);
		struct timespec timeout = {
			.tv_sec = (time_t)(wait / USEC_PER_SEC),
			.tv_nsec = (long)(wait % USEC_PER_SEC * 1000),
		};
		ppoll(&http, 1, wait == USEC_INFINITY ? NULL : &timeout, while_waiting);
	}
}

static int main_run(const struct options *options, struct key_list *keys)
{
	_cleanup_(service_done) struct service service;
	_cleanup_(front_freep) struct front *front = NULL;
	sigset_t while_waiting;
	int r;

	service_init(&service, &options->account, keys);
	service.strand = options->strand;
	main_raise_limits();
	main_catch_signals(&while_waiting);
	r = front_new(&service, options->port, &front);
	if (r < 0) {
		fprintf(stderr, "sqs-local: cannot listen on port %u: %s\n", options->port,
			strerror(-r));
		return 1;
	}
	r = main_announce(front, options->port_file);
	if (r < 0) {
		fprintf(stderr, "sqs-local: %s: %s\n", options->port_file, strerror(-r));
		return 1;
	}
	main_loop(front, &while_waiting);
	return 0;
}

int main(int argc, char **argv)
{
	struct key_list keys = LIST_HEAD_INITIALIZER(keys);
	struct options options = {
		.account =
			{
				.region = "us-east-1",
				.id = "123456789012",
				.in_flight_max = ACCOUNT_IN_FLIGHT_MAX,
				.seed = 1,
			},
	};
	int status = main_options(argc, argv, &options, &keys);

	if (status < 0)
		status = main_run(&options, &keys);
	keys_done(&keys);
	digest_done();
	return status;
}
