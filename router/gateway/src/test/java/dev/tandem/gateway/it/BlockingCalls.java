// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import reactor.blockhound.BlockHound;

/** Notes every call on an event loop that could block it. Thread-safe. */
final class BlockingCalls {
    private static final List<String> SEEN = new CopyOnWriteArrayList<>();

    /** Classes below which blocking is no matter of the request path, with the reason. */
    private static final Set<String> JUSTIFIED = Set.of(
            // the fake engines of the tests live in the same process
            "dev.tandem.simulator.",
            // logging writes to the console; requests log through a queue
            "ch.qos.logback.",
            // the allocator's own locks are held for a few instructions
            "io.netty.buffer.",
            // classes are loaded once
            "java.lang.ClassLoader",
            "jdk.internal.loader.");

    private BlockingCalls() {}

    /** Watches from now on; the second call does nothing. */
    static void watch() {
        Watch.ONCE.run();
    }

    /** Returns what has been seen since the last call. */
    static List<String> taken() {
        List<String> taken = List.copyOf(SEEN);
        SEEN.clear();
        return taken;
    }

    /** Installs BlockHound when it is first used. */
    private static final class Watch {
        private static final Runnable ONCE = install();

        private static Runnable install() {
            BlockHound.install(builder -> builder.blockingMethodCallback(method -> {
                StackTraceElement[] stack = new Throwable().getStackTrace();
                if (Arrays.stream(stack).map(StackTraceElement::getClassName).noneMatch(Watch::justified)) {
                    SEEN.add(Thread.currentThread().getName() + ": " + method
                            + Arrays.stream(stack)
                                    .map(frame -> "\n\tat " + frame)
                                    .collect(Collectors.joining()));
                }
            }));
            return () -> {};
        }

        private static boolean justified(String type) {
            return JUSTIFIED.stream().anyMatch(type::startsWith);
        }
    }
}
