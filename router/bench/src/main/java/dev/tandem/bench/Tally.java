// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

/** What the load generator has seen so far. Confined to the load's event loop; {@link #copy} leaves it. */
final class Tally {
    private long answered;
    private long events;
    private long changed;
    private long failed;
    private long bodiesAsSent;
    private long bodiesRewritten;
    private String firstFault = "";
    private Samples firstByteNanos = new Samples();

    Tally copy() {
        Tally copy = new Tally();
        copy.answered = answered;
        copy.events = events;
        copy.changed = changed;
        copy.failed = failed;
        copy.bodiesAsSent = bodiesAsSent;
        copy.bodiesRewritten = bodiesRewritten;
        copy.firstFault = firstFault;
        copy.firstByteNanos = firstByteNanos.copy();
        return copy;
    }

    void onAnswered() {
        answered++;
    }

    void onEvents(int count) {
        events += count;
    }

    void onFirstByte(long nanos) {
        firstByteNanos.add(nanos);
    }

    void onBodySeen(boolean asSent) {
        if (asSent) {
            bodiesAsSent++;
        } else {
            bodiesRewritten++;
        }
    }

    /** Counts an answer that is shorter, longer or different from what the worker sent. */
    void onChanged(String how) {
        changed++;
        note(how);
    }

    /** Counts a request that got an error status, a broken message, or no answer. */
    void onFailed(String how) {
        failed++;
        note(how);
    }

    /** Complete answers, right or wrong ones. */
    long answered() {
        return answered;
    }

    /** Content events received. */
    long events() {
        return events;
    }

    long changed() {
        return changed;
    }

    long failed() {
        return failed;
    }

    /** Answers whose worker received the request body byte for byte as it was sent. */
    long bodiesAsSent() {
        return bodiesAsSent;
    }

    long bodiesRewritten() {
        return bodiesRewritten;
    }

    /** Time from writing a request to the first byte of its answer's body, per request. */
    Samples firstByteNanos() {
        return firstByteNanos;
    }

    /** Returns why this run is void, or an empty text. */
    String fault() {
        return changed + failed == 0 ? "" : failed + " failed, " + changed + " changed: " + firstFault;
    }

    private void note(String how) {
        if (firstFault.isEmpty()) {
            firstFault = how;
        }
    }
}
