# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: origins, certificates, a running sealgate, its clients."""
