/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A listening socket of one worker. */

#include "proxy/state.h"

struct listener;

/* Takes `fd`. NULL when out of memory (the descriptor is closed). */
struct listener *listener_new(struct proxy *proxy, int fd);
void listener_free(struct listener *listener);
