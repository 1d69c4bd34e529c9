// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import org.jspecify.annotations.Nullable;

/** The target of a request and the host that it is for. Stateless. */
final class Target {
    private static final String SCHEME = "http://";
    private static final int MAX_HOST = 255;
    private static final String DIGITS = "0123456789";
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private static final boolean[] IN_PATH = set(LETTERS + DIGITS + "-._~!$&'()*+,;=:@/?%");
    private static final boolean[] IN_NAME = set(LETTERS + DIGITS + "-._");
    private static final boolean[] IN_ADDRESS = set(DIGITS + "abcdefABCDEF.:");

    private Target() {}

    /**
     * Returns path and query of a target.
     *
     * @param host the request's host, or null when it has none
     */
    static String path(String target, @Nullable String host) {
        String path = target;
        if (target.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            int end = endOfAuthority(target);
            requireSame(target.substring(SCHEME.length(), end), host);
            path = end < target.length() && target.charAt(end) == '/'
                    ? target.substring(end)
                    : "/" + target.substring(end);
        }
        if (!path.startsWith("/") || !isPath(path)) {
            throw HeadRules.malformed("target: expected a path");
        }
        return path;
    }

    /** Whether that is a name or an address, with or without a port. */
    static boolean isHost(String host) {
        int end = host.startsWith("[") ? host.indexOf(']') + 1 : host.indexOf(':');
        if (end < 0) {
            end = host.length();
        }
        if (end == 0 || end > MAX_HOST) {
            return false;
        }
        boolean good = host.startsWith("[") ? end > 2 && all(host, 1, end - 1, IN_ADDRESS) : all(host, 0, end, IN_NAME);
        return good && (end == host.length() || isPort(host, end));
    }

    private static boolean isPort(String host, int colon) {
        int digits = host.length() - colon - 1;
        if (host.charAt(colon) != ':' || digits < 1 || digits > 5) {
            return false;
        }
        for (int i = colon + 1; i < host.length(); i++) {
            if (host.charAt(i) < '0' || host.charAt(i) > '9') {
                return false;
            }
        }
        return true;
    }

    private static int endOfAuthority(String target) {
        for (int i = SCHEME.length(); i < target.length(); i++) {
            if (target.charAt(i) == '/' || target.charAt(i) == '?') {
                return i;
            }
        }
        return target.length();
    }

    private static void requireSame(String authority, @Nullable String host) {
        if (!isHost(authority) || (host != null && !authority.equalsIgnoreCase(host))) {
            throw HeadRules.malformed("target: expected the same host as in the header");
        }
    }

    private static boolean isPath(String path) {
        return all(path, 0, path.length(), IN_PATH) && escapesAreWhole(path);
    }

    private static boolean escapesAreWhole(String path) {
        for (int i = path.indexOf('%'); i >= 0; i = path.indexOf('%', i + 1)) {
            if (i + 2 >= path.length()
                    || Character.digit(path.charAt(i + 1), 16) < 0
                    || Character.digit(path.charAt(i + 2), 16) < 0
                    || path.startsWith("00", i + 1)) {
                return false;
            }
        }
        return true;
    }

    private static boolean all(String text, int from, int to, boolean[] allowed) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c >= allowed.length || !allowed[c]) {
                return false;
            }
        }
        return true;
    }

    private static boolean[] set(String characters) {
        boolean[] set = new boolean[128];
        characters.chars().forEach(c -> set[c] = true);
        return set;
    }
}
