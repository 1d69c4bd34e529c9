// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Charts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.ToDoubleFunction;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.plot.CombinedDomainXYPlot;
import org.jfree.chart.plot.XYPlot;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/** Draws what the gateway held in the course of a scenario: memory above, descriptors below. No state. */
final class Plot {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 360;

    private Plot() {}

    /** Writes an SVG file. */
    static void write(Report.Part part, Path file) throws IOException {
        CombinedDomainXYPlot both = new CombinedDomainXYPlot(Charts.axis("seconds, " + part.name()));
        both.add(line(part, "resident memory, MiB", sample -> sample.residentKib() / 1024.0));
        both.add(line(part, "open descriptors", Vitals.Sample::descriptors));
        Charts.write(Charts.framed(new JFreeChart(null, Charts.font(12), both, false)), WIDTH, HEIGHT, file);
    }

    private static XYPlot line(Report.Part part, String name, ToDoubleFunction<Vitals.Sample> value) {
        XYSeries series = new XYSeries(name);
        part.vitals().forEach(sample -> series.add(sample.seconds(), value.applyAsDouble(sample)));
        NumberAxis axis = Charts.axis(name);
        axis.setAutoRangeIncludesZero(true);
        return Charts.lines(new XYSeriesCollection(series), axis);
    }
}
