package org.attune.examples.learning;

import org.attune.files.AtomicFile;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Draws the mean reward of sampled completions over the steps, a line for each run.
public final class RewardCurves {
    private static final int WIDTH = 800;
    private static final int HEIGHT = 420;
    private static final Color REAL = new Color(0x1f, 0x77, 0xb4);
    private static final Color SHUFFLED = new Color(0xd6, 0x27, 0x28);

    private RewardCurves() {}

    /// One run.
    ///
    /// @param name beside its line
    /// @param rewards mean reward by step
    /// @param isControl whether its rewards say nothing
    public record Curve(String name, Map<Integer, Double> rewards, boolean isControl) {}

    /// @param file PNG to write
    static void draw(LearningReport report, Path file) throws IOException {
        List<Curve> curves = new ArrayList<>();
        for (GrpoOutcome run : report.grpo()) {
            curves.add(new Curve("real, seed " + run.seed(), run.rewards(), false));
        }
        for (GrpoOutcome run : report.control()) {
            curves.add(new Curve("shuffled, seed " + run.seed(), run.rewards(), true));
        }
        draw(curves, file);
    }

    /// @param file PNG to write
    public static void draw(List<Curve> curves, Path file) throws IOException {
        // Before the first AWT class: servers have no display.
        System.setProperty("java.awt.headless", "true");
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .xAxisTitle("step")
                        .yAxisTitle("mean reward")
                        .build();
        chart.getStyler().setLegendPosition(LegendPosition.OutsideE);
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        for (Curve curve : curves) {
            XYSeries line =
                    chart.addSeries(
                            curve.name(),
                            new ArrayList<>(curve.rewards().keySet()),
                            new ArrayList<>(curve.rewards().values()));
            line.setLineColor(curve.isControl() ? SHUFFLED : REAL);
            line.setMarker(SeriesMarkers.NONE);
        }
        var png = new ByteArrayOutputStream();
        BitmapEncoder.saveBitmap(chart, png, BitmapEncoder.BitmapFormat.PNG);
        AtomicFile.write(
                file,
                channel -> {
                    ByteBuffer bytes = ByteBuffer.wrap(png.toByteArray());
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                });
    }
}
