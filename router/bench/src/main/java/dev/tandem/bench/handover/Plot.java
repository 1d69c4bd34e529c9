// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.Charts;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.AxisLocation;
import org.jfree.chart.axis.CategoryAxis;
import org.jfree.chart.axis.CategoryLabelPosition;
import org.jfree.chart.axis.CategoryLabelPositions;
import org.jfree.chart.axis.CategoryLabelWidthType;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.block.BlockBorder;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.renderer.category.StackedBarRenderer;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.chart.text.TextBlockAnchor;
import org.jfree.chart.ui.RectangleAnchor;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.data.category.DefaultCategoryDataset;

/** Draws the parts of the overhead with one client, a bar for each row. No state. */
final class Plot {
    private static final int WIDTH = 860;
    private static final int ROW_HEIGHT = 24;
    private static final int FRAME_HEIGHT = 110;

    private Plot() {}

    /** Writes an SVG file; rows that are void have no bar. */
    static void write(List<Row> rows, Path file) throws IOException {
        Charts.write(chart(rows), WIDTH, FRAME_HEIGHT + ROW_HEIGHT * rows.size(), file);
    }

    private static JFreeChart chart(List<Row> rows) {
        CategoryAxis names = new CategoryAxis();
        names.setTickLabelFont(Charts.font(12));
        names.setTickLabelPaint(Charts.INK);
        names.setAxisLineVisible(false);
        names.setTickMarksVisible(false);
        names.setCategoryMargin(0.3);
        names.setCategoryLabelPositions(atLeft());
        names.setLowerMargin(0.01);
        names.setUpperMargin(0.01);
        NumberAxis micros = Charts.axis("µs, median of each part");
        micros.setStandardTickUnits(NumberAxis.createIntegerTickUnits());
        CategoryPlot plot = new CategoryPlot(parts(rows), names, micros, renderer());
        plot.setOrientation(PlotOrientation.HORIZONTAL);
        plot.setRangeAxisLocation(AxisLocation.BOTTOM_OR_LEFT);
        plot.setBackgroundPaint(Color.WHITE);
        plot.setOutlineVisible(false);
        plot.setRangeGridlinePaint(Charts.GRID);
        plot.setRangeGridlineStroke(new BasicStroke(1));
        JFreeChart chart = Charts.framed(new JFreeChart(null, Charts.font(12), plot, true));
        chart.getLegend().setPosition(RectangleEdge.TOP);
        chart.getLegend().setItemFont(Charts.font(12));
        chart.getLegend().setItemPaint(Charts.INK);
        chart.getLegend().setFrame(BlockBorder.NONE);
        return chart;
    }

    /** Names begin in one line, whatever the width that their font has where the file is looked at. */
    private static CategoryLabelPositions atLeft() {
        return CategoryLabelPositions.replaceLeftPosition(
                CategoryLabelPositions.STANDARD,
                new CategoryLabelPosition(
                        RectangleAnchor.LEFT, TextBlockAnchor.CENTER_LEFT, CategoryLabelWidthType.RANGE, 0.3f));
    }

    private static StackedBarRenderer renderer() {
        StackedBarRenderer renderer = new StackedBarRenderer();
        renderer.setBarPainter(new StandardBarPainter());
        renderer.setShadowVisible(false);
        renderer.setDrawBarOutline(false);
        for (int i = 0; i < Charts.PAINTS.size(); i++) {
            renderer.setSeriesPaint(i, Charts.PAINTS.get(i));
        }
        return renderer;
    }

    private static DefaultCategoryDataset parts(List<Row> rows) {
        DefaultCategoryDataset parts = new DefaultCategoryDataset();
        for (Row row : rows) {
            String name = row.subject().name();
            parts.addValue(row.median(Setting.SINGLE, Measurement::before), "client to prefill engine", name);
            parts.addValue(row.median(Setting.SINGLE, Measurement::between), "prefill's token to decode", name);
            parts.addValue(row.median(Setting.SINGLE, Measurement::after), "decode's token to client", name);
        }
        return parts;
    }
}
