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

/// Draws the mean reward of sampled completions over the steps, a line for each run.
final class RewardCurves {
    private static final int WIDTH = 800;
    private static final int HEIGHT = 420;
    private static final Color REAL = new Color(0x1f, 0x77, 0xb4);
    private static final Color SHUFFLED = new Color(0xd6, 0x27, 0x28);

    private RewardCurves() {}

    /// @param file PNG to write
    static void draw(LearningReport report, Path file) throws IOException {
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
        add(chart, "real", report.grpo(), REAL);
        add(chart, "shuffled", report.control(), SHUFFLED);
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

    private static void add(XYChart chart, String name, List<GrpoOutcome> runs, Color color) {
        for (GrpoOutcome run : runs) {
            XYSeries line =
                    chart.addSeries(
                            "%s, seed %d".formatted(name, run.seed()),
                            new ArrayList<>(run.rewards().keySet()),
                            new ArrayList<>(run.rewards().values()));
            line.setLineColor(color);
            line.setMarker(SeriesMarkers.NONE);
        }
    }
}
