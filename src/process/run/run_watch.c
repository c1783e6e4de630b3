/* SPDX-License-Identifier: Apache-2.0 */
/* The command as it is seen from outside: its signals, its stops, its end. Never reads what it
 * writes. */
#include "process/run/run_state.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_DELAY_MS = 5 };

/* What a command can be told, from a terminal or by kill(). */
static const int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
                                SIGALRM, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH};

static void forward(struct run *run, int number)
{
    const struct run_link_message message = {.kind = RUN_LINK_SIGNAL, .number = number};

    /* Refused when the link is full of signals, or its other side is gone, which waitpid() says. */
    (void)!run_link_send(run->link, &message);
}

static void on_signal(evutil_socket_t number, short what UNUSED, void *argument)
{
    struct run *run = argument;

    if (run->has_started)
        forward(run, number);
    else if (number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM)
        run_end(run, 128 + number);
}

/* As the command has done: whoever waits for us, a shell, sees it stop. */
static void stop_likewise(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    int number = ((struct run *)argument)->stop_signal;
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    struct sigaction former;

    if (number == SIGSTOP) {
        kill(getpid(), SIGSTOP);
        return;
    }
    if ((number != SIGTSTP && number != SIGTTIN && number != SIGTTOU) ||
        sigaction(number, &standard, &former) != 0)
        return;
    kill(getpid(), number);
    sigaction(number, &former, NULL); /* here we are continued */
}

/* The same signal may be on its way to the first process through us, which must look for its own
 * before it is continued: SIGCONT takes a pending stop away. */
static void stop_soon(struct run *run, int number)
{
    const struct timeval delay = {0, STOP_DELAY_MS * 1000};

    run->stop_signal = number;
    event_add(run->on_stop, &delay);
}

static int exit_status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + (WTERMSIG(status) & 0x7F);
}

static void on_refused(struct run *run, const struct run_link_message *message)
{
    run_refusal_explain(run, message->text, message->reason);
    run_end(run, 1);
}

static void on_no_command(struct run *run, const struct run_link_message *message)
{
    fprintf(stderr, "sealgate: %s: %s\n", run->options->command[0], strerror(message->reason));
    (void)run_refusal_explain_limit(message->reason);
    run_end(run, message->reason == ENOENT ? 127 : 126);
}

static void on_message(struct run *run, struct run_link_message *message)
{
    switch (message->kind) {
    case RUN_LINK_CAPTURED:
        run_start_on_captured(run, message);
        return;
    case RUN_LINK_FAILED:
        on_refused(run, message);
        return;
    case RUN_LINK_WEAKER:
        fprintf(stderr, "sealgate: warning: could not %s: %s\n", message->text,
                strerror(message->reason));
        return;
    case RUN_LINK_NO_COMMAND:
        on_no_command(run, message);
        return;
    case RUN_LINK_STOPPED:
        stop_soon(run, message->number);
        return;
    case RUN_LINK_EXITED:
        run_end(run, exit_status_of(message->number));
        return;
    default:
        return;
    }
}

static void on_no_message(struct run *run, enum error error)
{
    event_del(run->on_link);
    if (error == ERR_CLOSED)
        return; /* waitpid() will say why */
    run_refusal_say("take the sockets of the command's network", error);
    run_end(run, 1);
}

static void on_link(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct run *run = argument;
    struct run_link_message message;
    enum error error = run_link_receive(run->link, &message);

    if (error == ERR_AGAIN)
        return;
    if (error != OK) {
        on_no_message(run, error);
        return;
    }
    on_message(run, &message);
    while (message.fd_count > 0)
        close(message.fds[--message.fd_count]);
}

/* Killed, by somebody or for want of memory: nothing in its namespaces is left. */
void run_watch_on_exit(struct run *run, int status)
{
    run->init_pid = 0;
    while (!run->has_ended && event_pending(run->on_link, EV_READ, NULL))
        on_link(run->link, EV_READ, run);
    if (run->has_ended)
        return;
    fputs("sealgate: the command's surroundings are gone\n", stderr);
    run_end(run, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 1);
}

/* A copy that nobody waits for any more grows stale, so the pipe is always emptied. */
static void on_audit(evutil_socket_t fd, short what UNUSED, void *argument)
{
    struct run *run = argument;
    char bytes[16 * 1024];
    ssize_t len;

    while ((len = read(fd, bytes, sizeof(bytes))) > 0)
        run_summary_add(run->summary, slice_of(bytes, (size_t)len));
}

static enum error add_event(struct event **out, struct event *event)
{
    *out = event;
    return event == NULL || event_add(event, NULL) != 0 ? ERR_NO_MEMORY : OK;
}

/* What was ignored when we were started stays so, for the command too. */
static bool is_ignored(int number)
{
    struct sigaction present;

    return sigaction(number, NULL, &present) == 0 && present.sa_handler == SIG_IGN;
}

static enum error watch_signals(struct run *run)
{
    for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
        if (is_ignored(forwarded[i]))
            continue;
        TRY(add_event(&run->signals[run->signal_count],
                      evsignal_new(run->supervisor.base, forwarded[i], on_signal, run)));
        run->signal_count++;
    }
    return OK;
}

enum error run_watch_open(struct run *run)
{
    struct event_base *base = run->supervisor.base;

    if (fcntl(run->link, F_SETFL, O_NONBLOCK) != 0)
        return ERR_SYSTEM;
    TRY(add_event(&run->on_link, event_new(base, run->link, EV_READ | EV_PERSIST, on_link, run)));
    TRY(add_event(&run->on_audit,
                  event_new(base, run->audit, EV_READ | EV_PERSIST, on_audit, run)));
    run->on_stop = evtimer_new(base, stop_likewise, run);
    return run->on_stop == NULL ? ERR_NO_MEMORY : watch_signals(run);
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void run_watch_close(struct run *run)
{
    if (run->on_audit != NULL)
        on_audit(run->audit, EV_READ, run);
    free_event(run->on_link);
    free_event(run->on_audit);
    free_event(run->on_stop);
    for (size_t i = 0; i < run->signal_count; i++)
        free_event(run->signals[i]);
}
