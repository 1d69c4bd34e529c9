// SPDX-License-Identifier: Apache-2.0
/** What all APIs of vLLM 0.32 share: JSON, field checks with its error texts, small endpoints, metrics text. */
@NullMarked
package dev.tandem.simulator.wire;

import org.jspecify.annotations.NullMarked;
