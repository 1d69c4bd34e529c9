// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.util.ArrayList;
import java.util.List;

/** What a scenario has shown: a line for each figure, and curves for a picture. Used by one thread. */
final class Outcome {
    private final List<Figure> figures = new ArrayList<>();
    private final List<Curve> curves = new ArrayList<>();

    /**
     * One figure.
     *
     * @param what What was measured.
     * @param goal What it should be, in words.
     * @param reached What it is, in words.
     * @param met Whether it is as it should be.
     */
    record Figure(String what, String goal, String reached, boolean met) {}

    /** Adds a figure of which nobody has said what it should be. */
    Outcome seen(String what, double reached, String unit) {
        return add(what, "–", text(reached) + " " + unit, true);
    }

    /** Adds a number of things of which nobody has said how many there should be. */
    Outcome seen(String what, long reached) {
        return seen(what, (double) reached, "");
    }

    /** Adds a number of things that should not exceed a limit. */
    Outcome atMost(String what, long reached, long limit) {
        return atMost(what, (double) reached, (double) limit, "");
    }

    /** Adds a number of things that should reach a limit. */
    Outcome atLeast(String what, long reached, long limit) {
        return atLeast(what, (double) reached, (double) limit, "");
    }

    /** Adds a figure that should not exceed a limit. */
    Outcome atMost(String what, double reached, double limit, String unit) {
        return add(what, "<= " + text(limit) + " " + unit, text(reached) + " " + unit, reached <= limit);
    }

    /** Adds a figure that should reach a limit. */
    Outcome atLeast(String what, double reached, double limit, String unit) {
        return add(what, ">= " + text(limit) + " " + unit, text(reached) + " " + unit, reached >= limit);
    }

    /** Adds something to look at. */
    Outcome draw(Curve curve) {
        curves.add(curve);
        return this;
    }

    private Outcome add(String what, String goal, String reached, boolean met) {
        figures.add(new Figure(what, goal.strip(), reached.strip(), met));
        return this;
    }

    List<Figure> figures() {
        return List.copyOf(figures);
    }

    List<Curve> curves() {
        return List.copyOf(curves);
    }

    private static String text(double number) {
        if (Double.isNaN(number)) {
            return "unknown";
        }
        if (Double.isInfinite(number)) {
            return "never";
        }
        return number == Math.rint(number) ? Long.toString((long) number) : "%.1f".formatted(number);
    }
}
