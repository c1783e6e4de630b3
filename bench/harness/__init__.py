# SPDX-License-Identifier: Apache-2.0
"""What script/bench stands on: an origin, the proxies beside each other, what they cost."""
