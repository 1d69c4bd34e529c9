// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

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
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.chart.ui.RectangleInsets;
import org.jfree.data.xy.XYDataset;
import org.w3c.dom.Document;

/** How charts of measurements look. No state. */
public final class Charts {
    /** Colours of series, in their order. */
    public static final List<Paint> PAINTS = List.of(new Color(0x4477aa), new Color(0xddaa33), new Color(0x88ccee));

    /** Colour of texts. */
    public static final Color INK = new Color(0x24292f);

    /** Colour of grid lines. */
    public static final Color GRID = new Color(0xd8dee4);

    private static final String FONT = "DejaVu Sans";

    private Charts() {}

    /** Returns a font of that size in points. */
    public static Font font(int size) {
        return new Font(FONT, Font.PLAIN, size);
    }

    /** Returns an axis without lines of its own. */
    public static NumberAxis axis(String name) {
        NumberAxis axis = new NumberAxis(name);
        axis.setLabelFont(font(12));
        axis.setLabelPaint(INK);
        axis.setTickLabelFont(font(11));
        axis.setTickLabelPaint(INK);
        axis.setAxisLineVisible(false);
        axis.setTickMarksVisible(false);
        return axis;
    }

    /** Returns a plot of lines over an axis that others add. */
    public static XYPlot lines(XYDataset data, NumberAxis values) {
        XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(true, false);
        renderer.setSeriesPaint(0, PAINTS.getFirst());
        renderer.setSeriesStroke(0, new BasicStroke(2));
        XYPlot plot = new XYPlot(data, null, values, renderer);
        plot.setBackgroundPaint(Color.WHITE);
        plot.setOutlineVisible(false);
        plot.setRangeGridlinePaint(GRID);
        plot.setRangeGridlineStroke(new BasicStroke(1));
        plot.setDomainGridlinesVisible(false);
        return plot;
    }

    /** Returns a chart with the usual frame. */
    public static JFreeChart framed(JFreeChart chart) {
        chart.setBackgroundPaint(Color.WHITE);
        chart.setPadding(new RectangleInsets(8, 8, 8, 20));
        return chart;
    }

    /** Writes a chart as an SVG file. */
    public static void write(JFreeChart chart, int width, int height, Path file) throws IOException {
        SVGGraphics2D canvas = new SVGGraphics2D(document());
        canvas.setSVGCanvasSize(new Dimension(width, height));
        chart.draw(canvas, new Rectangle2D.Double(0, 0, width, height));
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
}
