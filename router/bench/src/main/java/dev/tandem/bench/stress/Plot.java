// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Charts;
import java.io.IOException;
import java.nio.file.Path;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.plot.CombinedDomainXYPlot;
import org.jfree.chart.plot.XYPlot;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/** Draws the curves of a scenario above each other. No state. */
final class Plot {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 180; // of each curve

    private Plot() {}

    /** Writes an SVG file. */
    static void write(Report.Part part, Path file) throws IOException {
        CombinedDomainXYPlot all = new CombinedDomainXYPlot(Charts.axis("seconds, " + part.name()));
        part.curves().forEach(curve -> all.add(line(curve)));
        JFreeChart chart = Charts.framed(new JFreeChart(null, Charts.font(12), all, false));
        Charts.write(chart, WIDTH, HEIGHT * part.curves().size(), file);
    }

    private static XYPlot line(Curve curve) {
        XYSeries series = new XYSeries(curve.name());
        curve.points().forEach(point -> series.add(point.seconds(), point.value()));
        NumberAxis axis = Charts.axis(curve.name());
        axis.setAutoRangeIncludesZero(true);
        return Charts.lines(new XYSeriesCollection(series), axis);
    }
}
