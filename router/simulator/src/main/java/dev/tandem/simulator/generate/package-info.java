// SPDX-License-Identifier: Apache-2.0
/** vLLM 0.32's text generation APIs: reads their requests, renders prompts, writes whole and streamed answers. */
@NullMarked
package dev.tandem.simulator.generate;

import org.jspecify.annotations.NullMarked;
