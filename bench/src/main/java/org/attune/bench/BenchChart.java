package org.attune.bench;

import org.attune.error.AttuneException;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Draws benchmarks.
public final class BenchChart {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 540;

    private BenchChart() {}

    /// Where the time of a step goes.
    public static CategoryChart phases(BenchResult result) {
        CategoryChart chart =
                new CategoryChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title("attune bench " + result.work().task().label())
                        .xAxisTitle("phase")
                        .yAxisTitle("seconds a step")
                        .build();
        List<String> names = new ArrayList<>();
        List<Double> seconds = new ArrayList<>();
        result.attune()
                .medians()
                .forEach(
                        (name, value) -> {
                            if (name.startsWith(Figures.PHASE)) {
                                names.add(
                                        name.substring(
                                                Figures.PHASE.length(), name.lastIndexOf(',')));
                                seconds.add(value);
                            }
                        });
        chart.addSeries("Attune", names, seconds);
        return chart;
    }

    /// A quantity over a varied size, on logarithmic axes.
    ///
    /// @param quantity title of the vertical axis
    /// @param series values by name, each as many as `sizes`
    public static XYChart sweep(
            String dimension,
            List<Integer> sizes,
            String quantity,
            Map<String, List<Double>> series) {
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .xAxisTitle(dimension)
                        .yAxisTitle(quantity)
                        .build();
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
        series.forEach(
                (name, values) ->
                        chart.addSeries(name, sizes, values).setMarker(SeriesMarkers.CIRCLE));
        return chart;
    }

    /// Writes a PNG.
    public static void write(Path file, Chart<?, ?> chart) {
        try {
            BitmapEncoder.saveBitmap(chart, file.toString(), BitmapEncoder.BitmapFormat.PNG);
        } catch (IOException e) {
            throw new AttuneException(file + " can't be written: " + e.getMessage(), e);
        }
    }
}
