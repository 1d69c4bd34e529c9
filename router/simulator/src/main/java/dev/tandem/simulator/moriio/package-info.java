// SPDX-License-Identifier: Apache-2.0
/**
 * vLLM's MoRIIOConnector for AMD GPUs: the decode engine reads, or the prefill engine writes; both find each other in
 * the request id or in the parameters. Written after vLLM's source of 2026-08; not recorded.
 */
@NullMarked
package dev.tandem.simulator.moriio;

import org.jspecify.annotations.NullMarked;
