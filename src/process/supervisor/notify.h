/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells the service manager how far we are: sd_notify(3), without the library. */

/* One datagram ("READY=1") to NOTIFY_SOCKET; nothing when there is none. */
void notify_service_manager(const char *state);
