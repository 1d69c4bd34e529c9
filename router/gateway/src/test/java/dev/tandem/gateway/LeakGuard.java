// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import java.util.ArrayList;
import java.util.List;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/** Fails a run of tests in which a buffer has leaked, and says behind which class of tests it was found. */
public final class LeakGuard implements LauncherSessionListener, TestExecutionListener {
    private final List<String> found = new ArrayList<>();

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        Leaks.watch();
        session.getLauncher().registerTestExecutionListeners(this);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (test.isContainer() && test.getSource().orElse(null) instanceof ClassSource ofClass) {
            collect(ofClass.getClassName());
        }
    }

    private void collect(String tests) {
        try {
            Leaks.taken("").forEach(leak -> found.add("behind " + tests + ": " + leak));
        } catch (InterruptedException e) {
            throw new AssertionError("not known whether anything has leaked", e);
        }
    }

    @Override
    public void launcherSessionClosed(LauncherSession session) {
        collect("all of them");
        if (!found.isEmpty()) {
            throw new AssertionError("leaked: " + found.size() + "\n" + String.join("\n", found));
        }
    }
}
