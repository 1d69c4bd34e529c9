// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import java.math.BigDecimal;

/** Prometheus text as Python's client library writes it. Confined to one rendering. */
final class PrometheusText {
    private final StringBuilder out = new StringBuilder(65_536);

    /** Starts a family. */
    void family(String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    /** Starts the family that tells since when another one counts. */
    void createdFamily(String name, String help) {
        family(name + "_created", "gauge", help);
    }

    /** Writes one value; labels are without braces and may be empty. */
    void sample(String name, String labels, double value) {
        out.append(name);
        if (!labels.isEmpty()) {
            out.append('{').append(labels).append('}');
        }
        out.append(' ').append(number(value)).append('\n');
    }

    @Override
    public String toString() {
        return out.toString();
    }

    /** Returns a number in Python's form; from a million on with an exponent, as its Go-like formatter does. */
    static String number(double value) {
        if (Double.isInfinite(value)) {
            return value > 0 ? "+Inf" : "-Inf";
        }
        if (value == 0) {
            return "0.0";
        }
        if (Math.abs(value) < 1e-4) {
            String[] parts = Double.toString(value).split("E-", 2);
            return parts[0].replaceFirst("\\.0$", "") + "e-" + "%02d".formatted(Integer.parseInt(parts[1]));
        }
        String plain = BigDecimal.valueOf(value).toPlainString();
        String text = plain.contains(".") ? plain : plain + ".0";
        int dot = text.indexOf('.');
        if (value < 0 || dot <= 6) {
            return text;
        }
        String digits = text.charAt(0) + "." + text.substring(1, dot) + text.substring(dot + 1);
        return digits.replaceFirst("[0.]+$", "") + "e+0" + (dot - 1);
    }
}
