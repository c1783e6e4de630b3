/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Work to do once the current event has been handled: whoever completes something schedules the
 * waiting object's task instead of calling into it, so nothing is re-entered. */

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/queue.h>

struct event;
struct event_base;

struct task {
    TAILQ_ENTRY(task) link;
    void (*run)(void *owner);
    void *owner;
    bool is_queued;
};

TAILQ_HEAD(task_list, task);

struct task_queue {
    struct task_list list;
    struct event *wakeup;
};

MUST_USE enum error task_queue_open(struct task_queue *queue, struct event_base *base);
void task_queue_close(struct task_queue *queue);
void task_init(struct task *task, void (*run)(void *owner), void *owner);
/* No-op when it is queued already. */
void task_schedule(struct task_queue *queue, struct task *task);
/* To be called before the owner goes away. */
void task_cancel(struct task_queue *queue, struct task *task);

/* Tasks that wait for one thing, all scheduled when it is there. A waiter belongs to one waitlist
 * at a time. */
struct waiter {
    TAILQ_ENTRY(waiter) link;
    struct task *task; /* borrowed */
    struct waitlist *on;
};

struct waitlist {
    TAILQ_HEAD(, waiter) waiters;
};

void waitlist_init(struct waitlist *list);
/* No-op when it waits on this list already; leaves the one that it was on. */
void waitlist_add(struct waitlist *list, struct waiter *waiter);
bool waitlist_is_empty(const struct waitlist *list);
void waitlist_wake(struct waitlist *list, struct task_queue *queue);
/* To be called before the waiter goes away. */
void waiter_cancel(struct waiter *waiter);
