#include "base/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

void queue_list_init(struct queue_list *list)
{
	list->first = NULL;
	list->last = &list->first;
	list->n_nodes = 0;
}

void queue_list_append(struct queue_list *list, struct queue_node *node)
{
	node->next = NULL;
	*list->last = node;
	list->last = &node->next;
	list->n_nodes++;
}

struct queue_node *queue_list_pop(struct queue_list *list)
{
	struct queue_node *node = list->first;

	if (!node)
		return NULL;
	list->first = node->next;
	if (!list->first)
		list->last = &list->first;
	list->n_nodes--;
	return node;
}

void queue_list_move(struct queue_list *to, struct queue_list *from)
{
	if (!from->first)
		return;
	*to->last = from->first;
	to->last = from->last;
	to->n_nodes += from->n_nodes;
	queue_list_init(from);
}

int queue_init(struct queue *q, bool with_fd)
{
	*q = (struct queue){.fd = -1};
	queue_list_init(&q->list);
	if (with_fd) {
		q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->fd < 0)
			return -errno;
	}
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
	return 0;
}

void queue_done(struct queue *q)
{
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
	if (q->fd >= 0)
		close(q->fd);
}

int queue_fd(const struct queue *q)
{
	assert(q->fd >= 0);
	return q->fd;
}

void queue_push(struct queue *q, struct queue_node *node)
{
	struct queue_list one;

	queue_list_init(&one);
	queue_list_append(&one, node);
	queue_push_list(q, &one);
}

void queue_push_list(struct queue *q, struct queue_list *list)
{
	unsigned n_nodes = list->n_nodes;

	if (n_nodes == 0)
		return;
	pthread_mutex_lock(&q->lock);
	bool was_empty = !q->list.first;
	unsigned n_wake = n_nodes < q->n_waiting ? n_nodes : q->n_waiting;
	queue_list_move(&q->list, list);
	pthread_mutex_unlock(&q->lock);

	if (q->fd >= 0) {
		if (was_empty)
			queue_wake(q);
		return;
	}
	for (unsigned i = 0; i < n_wake; i++)
		pthread_cond_signal(&q->filled);
}

void queue_wake(struct queue *q)
{
	uint64_t one = 1;

	assert(q->fd >= 0);
	ssize_t n = write(q->fd, &one, sizeof one);

	/* Only a full counter refuses, and then it is readable already. */
	(void)n;
}

void queue_take_all(struct queue *q, struct queue_list *ret)
{
	queue_list_init(ret);
	if (q->fd >= 0) {
		uint64_t count;
		ssize_t n = read(q->fd, &count, sizeof count);
		(void)n; /* nothing to read is fine */
	}
	pthread_mutex_lock(&q->lock);
	queue_list_move(ret, &q->list);
	pthread_mutex_unlock(&q->lock);
}

struct queue_node *queue_try_pop(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	struct queue_node *node = queue_list_pop(&q->list);
	pthread_mutex_unlock(&q->lock);
	return node;
}

struct queue_node *queue_pop(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->n_waiting++;
	while (!q->list.first && !q->closed)
		pthread_cond_wait(&q->filled, &q->lock);
	q->n_waiting--;
	struct queue_node *node = queue_list_pop(&q->list);
	pthread_mutex_unlock(&q->lock);
	return node;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_mutex_unlock(&q->lock);
	pthread_cond_broadcast(&q->filled);
}
