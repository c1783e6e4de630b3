/* SPDX-License-Identifier: Apache-2.0 */
/* Deferred work. */
#include "proxy/task.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct worker {
    struct task_queue *queue;
    struct task task;
    struct task *cancels; /* when it runs */
    int runs, again;
};

static void on_run(void *owner)
{
    struct worker *worker = owner;

    worker->runs++;
    if (worker->cancels != NULL)
        task_cancel(worker->queue, worker->cancels);
    if (worker->again-- > 0)
        task_schedule(worker->queue, &worker->task);
}

static struct worker worker_of(struct task_queue *queue)
{
    return (struct worker){.queue = queue};
}

static void a_task_runs_once_however_often_it_is_scheduled(void **state)
{
    struct event_base *base = *state;
    struct task_queue queue;
    struct worker worker = worker_of(&queue);

    assert_int_equal(task_queue_open(&queue, base), OK);
    task_init(&worker.task, on_run, &worker);
    task_schedule(&queue, &worker.task);
    task_schedule(&queue, &worker.task);
    assert_int_equal(worker.runs, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(worker.runs, 1);
    task_queue_close(&queue);
}

static void a_task_may_schedule_itself_again(void **state)
{
    struct event_base *base = *state;
    struct task_queue queue;
    struct worker worker = worker_of(&queue);

    worker.again = 3;
    assert_int_equal(task_queue_open(&queue, base), OK);
    task_init(&worker.task, on_run, &worker);
    task_schedule(&queue, &worker.task);
    for (int i = 0; i < 10; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(worker.runs, 4);
    task_queue_close(&queue);
}

static void a_cancelled_task_does_not_run_even_in_the_same_batch(void **state)
{
    struct event_base *base = *state;
    struct task_queue queue;
    struct worker first = worker_of(&queue), second = worker_of(&queue);

    assert_int_equal(task_queue_open(&queue, base), OK);
    task_init(&first.task, on_run, &first);
    task_init(&second.task, on_run, &second);
    first.cancels = &second.task;
    task_schedule(&queue, &first.task);
    task_schedule(&queue, &second.task);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(first.runs, 1);
    assert_int_equal(second.runs, 0);
    task_queue_close(&queue);
}

static void waking_a_list_schedules_every_waiter_once(void **state)
{
    struct event_base *base = *state;
    struct task_queue queue;
    struct waitlist list;
    struct worker workers[3];
    struct waiter waiters[3] = {0};

    assert_int_equal(task_queue_open(&queue, base), OK);
    waitlist_init(&list);
    for (int i = 0; i < 3; i++) {
        workers[i] = worker_of(&queue);
        task_init(&workers[i].task, on_run, &workers[i]);
        waiters[i].task = &workers[i].task;
        waitlist_add(&list, &waiters[i]);
        waitlist_add(&list, &waiters[i]);
    }
    waiter_cancel(&waiters[1]);
    waitlist_wake(&list, &queue);
    waitlist_wake(&list, &queue);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(workers[0].runs, 1);
    assert_int_equal(workers[1].runs, 0);
    assert_int_equal(workers[2].runs, 1);
    task_queue_close(&queue);
}

static int make_base(void **state)
{
    *state = event_base_new();
    return *state != NULL ? 0 : -1;
}

static int free_base(void **state)
{
    event_base_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_runs_once_however_often_it_is_scheduled),
        cmocka_unit_test(a_task_may_schedule_itself_again),
        cmocka_unit_test(a_cancelled_task_does_not_run_even_in_the_same_batch),
        cmocka_unit_test(waking_a_list_schedules_every_waiter_once),
    };

    return cmocka_run_group_tests(tests, make_base, free_base);
}
