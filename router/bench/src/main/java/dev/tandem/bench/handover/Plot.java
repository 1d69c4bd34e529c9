// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Paint;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGraphics2D;
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
import org.jfree.chart.ui.RectangleInsets;
import org.jfree.data.category.DefaultCategoryDataset;
import org.w3c.dom.Document;

/** Draws the parts of the overhead with one client, a bar for each row. No state. */
final class Plot {
    private static final int WIDTH = 860;
    private static final int ROW_HEIGHT = 24;
    private static final int FRAME_HEIGHT = 110;
    private static final String FONT = "DejaVu Sans";
    private static final Color INK = new Color(0x24292f);
    private static final Color GRID = new Color(0xd8dee4);
    private static final List<Paint> PAINTS = List.of(new Color(0x4477aa), new Color(0xddaa33), new Color(0x88ccee));

    private Plot() {}

    /** Writes an SVG file; rows that are void have no bar. */
    static void write(List<Row> rows, Path file) throws IOException {
        Dimension size = new Dimension(WIDTH, FRAME_HEIGHT + ROW_HEIGHT * rows.size());
        SVGGraphics2D canvas = new SVGGraphics2D(document());
        canvas.setSVGCanvasSize(size);
        chart(rows).draw(canvas, new Rectangle2D.Double(0, 0, size.width, size.height));
        try (Writer out = Files.newBufferedWriter(file)) {
            canvas.stream(out, true);
        }
    }

    private static Document document() {
        try {
            return DocumentBuilderFactory.newNSInstance()
                    .newDocumentBuilder()
                    .getDOMImplementation()
                    .createDocument(SVGGraphics2D.SVG_NAMESPACE_URI, "svg", null);
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("no XML documents in this Java", e);
        }
    }

    private static JFreeChart chart(List<Row> rows) {
        CategoryAxis names = new CategoryAxis();
        names.setTickLabelFont(font(12));
        names.setTickLabelPaint(INK);
        names.setAxisLineVisible(false);
        names.setTickMarksVisible(false);
        names.setCategoryMargin(0.3);
        names.setCategoryLabelPositions(atLeft());
        names.setLowerMargin(0.01);
        names.setUpperMargin(0.01);
        NumberAxis micros = new NumberAxis("µs, median of each part");
        micros.setLabelFont(font(12));
        micros.setLabelPaint(INK);
        micros.setTickLabelFont(font(11));
        micros.setTickLabelPaint(INK);
        micros.setAxisLineVisible(false);
        micros.setTickMarksVisible(false);
        micros.setStandardTickUnits(NumberAxis.createIntegerTickUnits());
        CategoryPlot plot = new CategoryPlot(parts(rows), names, micros, renderer());
        plot.setOrientation(PlotOrientation.HORIZONTAL);
        plot.setRangeAxisLocation(AxisLocation.BOTTOM_OR_LEFT);
        plot.setBackgroundPaint(Color.WHITE);
        plot.setOutlineVisible(false);
        plot.setRangeGridlinePaint(GRID);
        plot.setRangeGridlineStroke(new BasicStroke(1));
        JFreeChart chart = new JFreeChart(null, font(12), plot, true);
        chart.setBackgroundPaint(Color.WHITE);
        chart.setPadding(new RectangleInsets(8, 8, 8, 20));
        chart.getLegend().setPosition(RectangleEdge.TOP);
        chart.getLegend().setItemFont(font(12));
        chart.getLegend().setItemPaint(INK);
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
        for (int i = 0; i < PAINTS.size(); i++) {
            renderer.setSeriesPaint(i, PAINTS.get(i));
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

    private static Font font(int size) {
        return new Font(FONT, Font.PLAIN, size);
    }
}
