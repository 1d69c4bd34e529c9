// SPDX-License-Identifier: Apache-2.0
/**
 * The peer-to-peer tier of vLLM's offloading connector (vllm#42285, vllm#48021): engines take blocks out of each
 * other's memory, and compute what they do not get.
 */
@NullMarked
package dev.tandem.simulator.offload;

import org.jspecify.annotations.NullMarked;
