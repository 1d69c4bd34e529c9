// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

/** The configuration cannot work; the start ends with a description and what to do. */
final class InvalidConfigurationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String action;

    InvalidConfigurationException(String description, String action) {
        super(description);
        this.action = action;
    }

    /** Returns what to do. */
    String action() {
        return action;
    }
}
