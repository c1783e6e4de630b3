/* SPDX-License-Identifier: Apache-2.0 */
/* Deferred work on one event loop. Never runs a task from inside task_schedule(). */
#include "proxy/task.h"

#include <event2/event.h>

static void on_wakeup(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    static const struct timeval at_once = {0, 0};
    struct task_queue *queue = argument;
    struct task_list batch = TAILQ_HEAD_INITIALIZER(batch);

    /* A task may schedule itself again: that is for the next round, after the descriptors. */
    TAILQ_CONCAT(&batch, &queue->list, link);
    struct task end_of_batch = {0};
    TAILQ_INSERT_TAIL(&batch, &end_of_batch, link);
    TAILQ_CONCAT(&queue->list, &batch, link);

    for (struct task *task; (task = TAILQ_FIRST(&queue->list)) != &end_of_batch;) {
        TAILQ_REMOVE(&queue->list, task, link);
        task->is_queued = false;
        task->run(task->owner);
    }
    TAILQ_REMOVE(&queue->list, &end_of_batch, link);
    /* By a timer, because an event made active here would run before any descriptor is polled. */
    if (!TAILQ_EMPTY(&queue->list))
        event_add(queue->wakeup, &at_once);
}

enum error task_queue_open(struct task_queue *queue, struct event_base *base)
{
    TAILQ_INIT(&queue->list);
    queue->wakeup = event_new(base, -1, 0, on_wakeup, queue);
    return queue->wakeup != NULL ? OK : ERR_NO_MEMORY;
}

void task_queue_close(struct task_queue *queue)
{
    if (queue->wakeup != NULL)
        event_free(queue->wakeup);
    queue->wakeup = NULL;
}

void task_init(struct task *task, void (*run)(void *owner), void *owner)
{
    *task = (struct task){.run = run, .owner = owner};
}

void task_schedule(struct task_queue *queue, struct task *task)
{
    if (task->is_queued)
        return;
    if (TAILQ_EMPTY(&queue->list))
        event_active(queue->wakeup, EV_TIMEOUT, 0);
    task->is_queued = true;
    TAILQ_INSERT_TAIL(&queue->list, task, link);
}

void task_cancel(struct task_queue *queue, struct task *task)
{
    if (!task->is_queued)
        return;
    task->is_queued = false;
    TAILQ_REMOVE(&queue->list, task, link);
}

void waitlist_init(struct waitlist *list)
{
    TAILQ_INIT(&list->waiters);
}

void waitlist_add(struct waitlist *list, struct waiter *waiter)
{
    if (waiter->on == list)
        return;
    waiter_cancel(waiter);
    waiter->on = list;
    TAILQ_INSERT_TAIL(&list->waiters, waiter, link);
}

bool waitlist_is_empty(const struct waitlist *list)
{
    return TAILQ_EMPTY(&list->waiters);
}

void waitlist_wake(struct waitlist *list, struct task_queue *queue)
{
    for (struct waiter *waiter; (waiter = TAILQ_FIRST(&list->waiters)) != NULL;) {
        waiter_cancel(waiter);
        task_schedule(queue, waiter->task);
    }
}

void waiter_cancel(struct waiter *waiter)
{
    if (waiter->on == NULL)
        return;
    TAILQ_REMOVE(&waiter->on->waiters, waiter, link);
    waiter->on = NULL;
}
