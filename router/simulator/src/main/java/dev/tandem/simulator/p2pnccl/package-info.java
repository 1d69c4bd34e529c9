// SPDX-License-Identifier: Apache-2.0
/**
 * vLLM's P2pNcclConnector, which was last in 0.23: the request id carries the addresses of both engines, and the
 * prefill engine pushes. Written after vLLM's source of 0.11 to 0.13; not recorded.
 */
@NullMarked
package dev.tandem.simulator.p2pnccl;

import org.jspecify.annotations.NullMarked;
