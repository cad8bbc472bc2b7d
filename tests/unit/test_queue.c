#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../support/test_suite.h"
#include "base/cleanup.h"
#include "base/queue.h"

#define N_PUSHERS 4
#define N_POPPERS 4
#define N_EACH    20000

struct item {
	struct queue_node node;
	unsigned pusher;
	unsigned number;
};

static struct item *item_of(struct queue_node *node)
{
	return container_of(node, struct item, node);
}

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(a_list_gives_back_in_the_order_of_appending)
{
	struct item items[3];
	struct queue_list list;

	queue_list_init(&list);
	ck_assert_ptr_null(queue_list_pop(&list));
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3; i++)
			queue_list_append(&list, &items[i].node);
		ck_assert_uint_eq(list.n_nodes, 3);
		for (unsigned i = 0; i < 3; i++)
			ck_assert_ptr_eq(queue_list_pop(&list), &items[i].node);
		ck_assert_uint_eq(list.n_nodes, 0);
		ck_assert_ptr_null(queue_list_pop(&list));
	}
}
END_TEST

START_TEST(a_moved_list_stands_behind_and_leaves_nothing)
{
	struct item items[3];
	struct queue_list to, from;

	queue_list_init(&to);
	queue_list_init(&from);
	queue_list_move(&to, &from);
	ck_assert_ptr_null(to.first);

	queue_list_append(&to, &items[0].node);
	queue_list_append(&from, &items[1].node);
	queue_list_move(&to, &from);
	ck_assert_uint_eq(from.n_nodes, 0);
	ck_assert_ptr_null(queue_list_pop(&from));
	/* Both still know their ends. */
	queue_list_append(&to, &items[2].node);
	queue_list_append(&from, &(struct item){0}.node);
	ck_assert_uint_eq(to.n_nodes, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_eq(queue_list_pop(&to), &items[i].node);
}
END_TEST

START_TEST(what_is_pushed_first_is_popped_first)
{
	struct item items[3];
	struct queue q;

	ck_assert_int_eq(queue_init(&q, false), 0);
	for (unsigned i = 0; i < 3; i++)
		queue_push(&q, &items[i].node);
	ck_assert_ptr_eq(queue_pop(&q), &items[0].node);
	ck_assert_ptr_eq(queue_try_pop(&q), &items[1].node);
	ck_assert_ptr_eq(queue_pop(&q), &items[2].node);
	ck_assert_ptr_null(queue_try_pop(&q));
	queue_done(&q);
}
END_TEST

START_TEST(a_list_is_pushed_and_taken_as_one)
{
	struct item items[3];
	struct queue_list list;
	struct queue q;

	ck_assert_int_eq(queue_init(&q, false), 0);
	queue_push(&q, &items[0].node);
	queue_list_init(&list);
	queue_push_list(&q, &list);
	queue_list_append(&list, &items[1].node);
	queue_list_append(&list, &items[2].node);
	queue_push_list(&q, &list);
	ck_assert_uint_eq(list.n_nodes, 0);

	queue_take_all(&q, &list);
	ck_assert_uint_eq(list.n_nodes, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_eq(queue_list_pop(&list), &items[i].node);
	queue_take_all(&q, &list);
	ck_assert_uint_eq(list.n_nodes, 0);
	queue_done(&q);
}
END_TEST

START_TEST(the_descriptor_is_readable_from_a_push_until_all_is_taken)
{
	struct item items[2];
	struct queue_list list;
	struct queue q;

	ck_assert_int_eq(queue_init(&q, true), 0);
	ck_assert(!is_readable(queue_fd(&q)));
	for (int round = 0; round < 3; round++) {
		queue_push(&q, &items[0].node);
		ck_assert(is_readable(queue_fd(&q)));
		queue_push(&q, &items[1].node);
		queue_take_all(&q, &list);
		ck_assert_uint_eq(list.n_nodes, 2);
		ck_assert(!is_readable(queue_fd(&q)));
	}
	queue_done(&q);
}
END_TEST

START_TEST(a_wake_brings_nothing_but_wakes)
{
	struct queue_list list;
	struct queue q;

	ck_assert_int_eq(queue_init(&q, true), 0);
	queue_wake(&q);
	queue_wake(&q);
	ck_assert(is_readable(queue_fd(&q)));
	queue_take_all(&q, &list);
	ck_assert_uint_eq(list.n_nodes, 0);
	ck_assert(!is_readable(queue_fd(&q)));
	queue_done(&q);
}
END_TEST

START_TEST(a_closed_queue_gives_what_is_left_and_then_nothing)
{
	struct item item;
	struct queue q;

	ck_assert_int_eq(queue_init(&q, false), 0);
	queue_push(&q, &item.node);
	queue_close(&q);
	ck_assert_ptr_eq(queue_pop(&q), &item.node);
	ck_assert_ptr_null(queue_pop(&q));
	ck_assert_ptr_null(queue_pop(&q));
	queue_done(&q);
}
END_TEST

/* Threads. Every item says who pushed it and as which; each has to arrive once, and in order. */

struct pusher {
	struct queue *q;
	unsigned id;
	struct item *items;
	pthread_t thread;
};

/* One by one and in small lists, as the rooms do. */
static void *push_all(void *userdata)
{
	struct pusher *p = userdata;
	struct queue_list list;

	queue_list_init(&list);
	for (unsigned i = 0; i < N_EACH; i++) {
		p->items[i] = (struct item){.pusher = p->id, .number = i};
		if (i % 7 == 0) {
			queue_push_list(p->q, &list);
			queue_push(p->q, &p->items[i].node);
		} else {
			queue_list_append(&list, &p->items[i].node);
		}
	}
	queue_push_list(p->q, &list);
	return NULL;
}

static void start_pushers(struct pusher pushers[N_PUSHERS], struct queue *q)
{
	for (unsigned i = 0; i < N_PUSHERS; i++) {
		pushers[i] = (struct pusher){
			.q = q,
			.id = i,
			.items = calloc(N_EACH, sizeof(struct item)),
		};
		ck_assert_int_eq(
			pthread_create(&pushers[i].thread, NULL, push_all, &pushers[i]), 0);
	}
}

static void join_pushers(struct pusher pushers[N_PUSHERS])
{
	for (unsigned i = 0; i < N_PUSHERS; i++)
		pthread_join(pushers[i].thread, NULL);
}

static void free_items(struct pusher pushers[N_PUSHERS])
{
	for (unsigned i = 0; i < N_PUSHERS; i++)
		free(pushers[i].items);
}

START_TEST(one_taker_on_the_descriptor_gets_all_from_many_pushers_in_order)
{
	struct pusher pushers[N_PUSHERS];
	unsigned next[N_PUSHERS] = {0}, n_taken = 0;
	struct queue q;

	ck_assert_int_eq(queue_init(&q, true), 0);
	start_pushers(pushers, &q);
	while (n_taken < N_PUSHERS * N_EACH) {
		struct pollfd p = {.fd = queue_fd(&q), .events = POLLIN};
		struct queue_list list;
		struct queue_node *node;

		/* A wake-up that got lost shows as a poll without end. */
		ck_assert_int_eq(poll(&p, 1, 30000), 1);
		queue_take_all(&q, &list);
		while ((node = queue_list_pop(&list))) {
			struct item *item = item_of(node);
			ck_assert_uint_eq(item->number, next[item->pusher]++);
			n_taken++;
		}
	}
	join_pushers(pushers);
	free_items(pushers);
	queue_done(&q);
}
END_TEST

struct popper {
	struct queue *q;
	pthread_t thread;
	unsigned n_popped;
	bool ordered;
};

static _Atomic(unsigned char) times_popped[N_PUSHERS][N_EACH];

static void *pop_all(void *userdata)
{
	struct popper *p = userdata;
	int last[N_PUSHERS];
	struct queue_node *node;

	for (unsigned i = 0; i < N_PUSHERS; i++)
		last[i] = -1;
	while ((node = queue_pop(p->q))) {
		struct item *item = item_of(node);
		if ((int)item->number <= last[item->pusher])
			p->ordered = false;
		last[item->pusher] = (int)item->number;
		times_popped[item->pusher][item->number]++;
		p->n_popped++;
	}
	return NULL;
}

static void start_poppers(struct popper poppers[N_POPPERS], struct queue *q)
{
	for (unsigned i = 0; i < N_POPPERS; i++) {
		poppers[i] = (struct popper){.q = q, .ordered = true};
		ck_assert_int_eq(pthread_create(&poppers[i].thread, NULL, pop_all, &poppers[i]), 0);
	}
}

START_TEST(many_poppers_get_each_item_once)
{
	struct pusher pushers[N_PUSHERS];
	struct popper poppers[N_POPPERS];
	unsigned n_popped = 0;
	struct queue q;

	ck_assert_int_eq(queue_init(&q, false), 0);
	start_poppers(poppers, &q);
	start_pushers(pushers, &q);
	join_pushers(pushers);
	queue_close(&q);
	for (unsigned i = 0; i < N_POPPERS; i++) {
		pthread_join(poppers[i].thread, NULL);
		ck_assert(poppers[i].ordered);
		n_popped += poppers[i].n_popped;
	}
	ck_assert_uint_eq(n_popped, N_PUSHERS * N_EACH);
	for (unsigned i = 0; i < N_PUSHERS; i++)
		for (unsigned k = 0; k < N_EACH; k++)
			ck_assert_uint_eq(times_popped[i][k], 1);
	free_items(pushers);
	queue_done(&q);
}
END_TEST

struct echo {
	struct queue there, back;
};

static void *echo_all(void *userdata)
{
	struct echo *echo = userdata;
	struct queue_node *node;

	while ((node = queue_pop(&echo->there)))
		queue_push(&echo->back, node);
	return NULL;
}

/* Every push finds its receiver asleep, or about to be: a lost wake-up stops the game. */
START_TEST(a_push_wakes_who_sleeps_in_pop)
{
	struct echo echo;
	pthread_t threads[2];
	struct item item;

	ck_assert_int_eq(queue_init(&echo.there, false), 0);
	ck_assert_int_eq(queue_init(&echo.back, false), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, echo_all, &echo), 0);
	for (int i = 0; i < 20000; i++) {
		queue_push(&echo.there, &item.node);
		ck_assert_ptr_eq(queue_pop(&echo.back), &item.node);
	}
	queue_close(&echo.there);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	queue_done(&echo.there);
	queue_done(&echo.back);
}
END_TEST

static pthread_barrier_t all_awake;

/* Gives nothing back before every one of its kind has something in hand. */
static void *echo_together(void *userdata)
{
	struct echo *echo = userdata;
	struct queue_node *node;

	while ((node = queue_pop(&echo->there))) {
		pthread_barrier_wait(&all_awake);
		queue_push(&echo->back, node);
	}
	return NULL;
}

START_TEST(a_list_wakes_as_many_as_it_has_work_for)
{
	struct echo echo;
	pthread_t threads[4];
	struct item items[4];
	struct queue_list list;

	ck_assert_int_eq(queue_init(&echo.there, false), 0);
	ck_assert_int_eq(queue_init(&echo.back, false), 0);
	pthread_barrier_init(&all_awake, NULL, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, echo_together, &echo), 0);
	for (int round = 0; round < 5000; round++) {
		queue_list_init(&list);
		for (int i = 0; i < 4; i++)
			queue_list_append(&list, &items[i].node);
		queue_push_list(&echo.there, &list);
		for (int i = 0; i < 4; i++)
			ck_assert_ptr_nonnull(queue_pop(&echo.back));
	}
	queue_close(&echo.there);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&all_awake);
	queue_done(&echo.there);
	queue_done(&echo.back);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *alone = tcase_create("alone");
	TCase *threads = tcase_create("threads");

	tcase_add_test(alone, a_list_gives_back_in_the_order_of_appending);
	tcase_add_test(alone, a_moved_list_stands_behind_and_leaves_nothing);
	tcase_add_test(alone, what_is_pushed_first_is_popped_first);
	tcase_add_test(alone, a_list_is_pushed_and_taken_as_one);
	tcase_add_test(alone, the_descriptor_is_readable_from_a_push_until_all_is_taken);
	tcase_add_test(alone, a_wake_brings_nothing_but_wakes);
	tcase_add_test(alone, a_closed_queue_gives_what_is_left_and_then_nothing);
	suite_add_tcase(suite, alone);

	tcase_add_test(threads, one_taker_on_the_descriptor_gets_all_from_many_pushers_in_order);
	tcase_add_test(threads, many_poppers_get_each_item_once);
	tcase_add_test(threads, a_push_wakes_who_sleeps_in_pop);
	tcase_add_test(threads, a_list_wakes_as_many_as_it_has_work_for);
	tcase_set_timeout(threads, 60);
	suite_add_tcase(suite, threads);
	return test_suite_run(suite);
}
