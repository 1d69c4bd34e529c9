// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Buffers, and what else Netty counts, that were collected as garbage before they were released. Thread-safe.
 *
 * <p>Every one of them is watched, from where {@link LeakGuard} begins to the end of the process.
 */
public final class Leaks {
    private static final List<String> SEEN = new CopyOnWriteArrayList<>();
    private static final List<Detector> DETECTORS = new CopyOnWriteArrayList<>();

    private Leaks() {}

    /** Begins to watch; to be called before any class of Netty's makes a detector of its own. */
    static void watch() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Factory());
    }

    /** Collects garbage, forgets the leaks whose report says that, and returns them. */
    public static List<String> taken(String hint) throws InterruptedException {
        collect();
        collect(); // what the first one has found stands in the queues now
        DETECTORS.forEach(Detector::report);
        List<String> taken = SEEN.stream().filter(leak -> leak.contains(hint)).toList();
        SEEN.removeAll(taken);
        return taken;
    }

    /** Returns when references to garbage are being queued. */
    private static void collect() throws InterruptedException {
        ReferenceQueue<Object> queue = new ReferenceQueue<>();
        WeakReference<Object> garbage = new WeakReference<>(new Object(), queue);
        do {
            System.gc();
        } while (!garbage.equals(queue.remove(100)));
    }

    /** Makes detectors that tell. */
    private static final class Factory extends ResourceLeakDetectorFactory {
        @Override
        @SuppressWarnings("deprecation") // abstract all the same
        public <T> ResourceLeakDetector<T> newResourceLeakDetector(
                Class<T> type, int samplingInterval, long mostActive) {
            return newResourceLeakDetector(type, samplingInterval);
        }

        @Override
        @SuppressWarnings("unchecked") // a detector holds nothing of what it tracks
        public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> type, int samplingInterval) {
            Detector detector = new Detector(type, samplingInterval);
            DETECTORS.add(detector);
            return (ResourceLeakDetector<T>) detector;
        }
    }

    /** Notes what it finds, and logs it as Netty does. */
    private static final class Detector extends ResourceLeakDetector<Object> {
        private Detector(Class<?> type, int samplingInterval) {
            super(type, samplingInterval);
        }

        /** Reports what stands in the queue: detectors do so when they begin to track something. */
        private void report() {
            ResourceLeakTracker<Object> tracker = Objects.requireNonNull(track(this));
            tracker.close(this);
        }

        @Override
        protected boolean needReport() {
            return true;
        }

        @Override
        protected void reportTracedLeak(String type, String records) {
            SEEN.add(type + records);
            super.reportTracedLeak(type, records);
        }

        @Override
        protected void reportUntracedLeak(String type) {
            SEEN.add(type);
            super.reportUntracedLeak(type);
        }
    }
}
