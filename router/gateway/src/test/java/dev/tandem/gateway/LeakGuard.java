// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import java.util.List;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Fails a run of tests in which a buffer has leaked, whichever test it was. */
public final class LeakGuard implements LauncherSessionListener {
    @Override
    public void launcherSessionOpened(LauncherSession session) {
        Leaks.watch();
    }

    @Override
    public void launcherSessionClosed(LauncherSession session) {
        List<String> leaks = collected();
        if (!leaks.isEmpty()) {
            throw new AssertionError("leaked: " + leaks.size() + "\n" + String.join("\n", leaks));
        }
    }

    private static List<String> collected() {
        try {
            return Leaks.collected();
        } catch (InterruptedException e) {
            throw new AssertionError("not known whether anything has leaked", e);
        }
    }
}
