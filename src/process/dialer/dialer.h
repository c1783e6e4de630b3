/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The dialer process: the only one that connects. It takes views that control authenticated and
 * targets from workers, decides for itself whether the one may reach the other, and answers with a
 * connected socket. */

/* The life of the process, on descriptor 3; returns its exit status. */
int dialer_main(void);
