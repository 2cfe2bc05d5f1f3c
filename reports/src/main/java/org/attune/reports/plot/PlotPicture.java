package org.attune.reports.plot;

import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// A chart under a title, with the name of each curve at its end instead of a legend.
final class PlotPicture {
    static final int WIDTH = 900;
    private static final int HEIGHT = 540;
    private static final int TOP = 66;
    private static final int LEFT = 24;
    private static final int GAP = 8;
    private static final int LINE = 17;
    private static final int WIDEST = 260;
    private static final Color TEXT = new Color(0x1b1f24);
    private static final Color QUIET = new Color(0x57606a);

    private PlotPicture() {}

    /// A curve's name where the curve ends.
    private record Label(String text, Color colour, double y) {}

    /// @param named series whose names are shown
    static BufferedImage of(XYChart chart, String title, String note, List<XYSeries> named) {
        var image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        try {
            graphics.setRenderingHint(
                    RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            graphics.setRenderingHint(
                    RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            graphics.setColor(Color.WHITE);
            graphics.fillRect(0, 0, WIDTH, HEIGHT);
            graphics.setColor(TEXT);
            graphics.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 19));
            graphics.drawString(title, LEFT, 32);
            graphics.setColor(QUIET);
            graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
            graphics.drawString(note, LEFT, 53);
            int right = 0;
            for (XYSeries series : named) {
                right = Math.max(right, graphics.getFontMetrics().stringWidth(series.getName()));
            }
            right = Math.min(right, WIDEST) + GAP + LEFT / 2;
            Graphics2D below = (Graphics2D) graphics.create(0, TOP, WIDTH, HEIGHT - TOP);
            chart.paint(below, WIDTH - right, HEIGHT - TOP);
            below.dispose();
            labels(graphics, chart, named);
        } finally {
            graphics.dispose();
        }
        return image;
    }

    private static void labels(Graphics2D graphics, XYChart chart, List<XYSeries> named) {
        List<Label> labels = new ArrayList<>();
        double end = 0;
        for (XYSeries series : named) {
            int last = series.getXData().length - 1;
            end = Math.max(end, chart.getScreenXFromChart(series.getXData()[last]));
            double y = TOP + chart.getScreenYFromChart(series.getYData()[last]);
            labels.add(new Label(series.getName(), series.getLineColor(), y));
        }
        labels.sort(Comparator.comparingDouble(Label::y));
        double lowest = HEIGHT - LINE;
        double next = 0;
        for (int i = 0; i < labels.size(); i++) {
            Label label = labels.get(i);
            // Those that would cover each other make room, the last ones within the picture.
            double y = Math.max(next, Math.min(label.y(), lowest - LINE * (labels.size() - 1 - i)));
            graphics.setColor(label.colour());
            graphics.drawString(label.text(), (float) end + GAP, (float) y + 4);
            next = y + LINE;
        }
    }
}
