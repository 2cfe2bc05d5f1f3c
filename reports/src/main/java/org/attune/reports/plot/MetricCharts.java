package org.attune.reports.plot;

import org.attune.trainers.loop.MetricKeys;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Curves over the steps of a run, from the entries of its `metrics.jsonl`.
final class MetricCharts {
    /// Name of the series that isn't a metric.
    static final String DEVIATION = "one deviation";

    private static final Color BAND = new Color(9, 105, 218, 30);
    private static final Color TEXT = new Color(0x1b1f24);
    private static final Color QUIET = new Color(0x57606a);
    private static final Color GRID = new Color(0xe4e8ec);
    private static final Font SMALL = new Font(Font.SANS_SERIF, Font.PLAIN, 12);

    /// Told apart by those who don't see all colours alike, too.
    private static final List<Color> COLOURS =
            List.of(
                    new Color(0x0969da),
                    new Color(0xbc4c00),
                    new Color(0x1a7f37),
                    new Color(0x8250df),
                    new Color(0xbf3989),
                    new Color(0x7d6000),
                    new Color(0x1b7c83),
                    new Color(0x57606a));

    private static final float[] DASHES = {7, 5};

    /// More points than these are a line without markers.
    private static final int MARKED = 60;

    private static final Pattern FUNCTION_MEAN = Pattern.compile("rewards/.+/mean");
    private static final Pattern HELD_OUT_REWARD =
            Pattern.compile(MetricKeys.EVAL_PREFIX + "(.+_)?" + MetricKeys.REWARD);

    private MetricCharts() {}

    static XYChart loss(List<Map<String, Object>> log) {
        XYChart chart = chart("loss, mean since the last log");
        add(chart, log, MetricKeys.LOSS);
        add(chart, log, MetricKeys.EVAL_PREFIX + MetricKeys.LOSS);
        return chart;
    }

    /// The mean reward in a band of one deviation to each side, held-out rewards, and where several
    /// functions judge, the mean of each.
    static XYChart reward(List<Map<String, Object>> log) {
        XYChart chart = chart("mean reward of completions");
        band(chart, log);
        add(chart, log, MetricKeys.REWARD);
        keys(log, HELD_OUT_REWARD).forEach(key -> add(chart, log, key));
        Set<String> functions = keys(log, FUNCTION_MEAN);
        if (functions.size() > 1) {
            functions.forEach(key -> add(chart, log, key));
        }
        return chart;
    }

    private static XYChart chart(String yTitle) {
        XYChart chart = new XYChartBuilder().xAxisTitle("step").yAxisTitle(yTitle).build();
        XYStyler style = chart.getStyler();
        style.setChartBackgroundColor(Color.WHITE);
        style.setPlotBackgroundColor(Color.WHITE);
        style.setPlotBorderVisible(false);
        style.setLegendVisible(false);
        style.setPlotGridVerticalLinesVisible(false);
        style.setPlotGridLinesColor(GRID);
        style.setPlotGridLinesStroke(new BasicStroke(1));
        style.setAxisTicksMarksVisible(false);
        style.setAxisTicksLineVisible(false);
        style.setAxisTickLabelsColor(QUIET);
        style.setAxisTickLabelsFont(SMALL);
        style.setAxisTitleFont(SMALL);
        style.setChartFontColor(TEXT);
        style.setMarkerSize(5);
        style.setLocale(Locale.ROOT);
        return chart;
    }

    private static Set<String> keys(List<Map<String, Object>> log, Pattern pattern) {
        Set<String> keys = new TreeSet<>();
        for (Map<String, Object> entry : log) {
            entry.keySet().stream()
                    .filter(key -> pattern.matcher(key).matches())
                    .forEach(keys::add);
        }
        return keys;
    }

    private static void add(XYChart chart, List<Map<String, Object>> log, String key) {
        List<Number> steps = new ArrayList<>();
        List<Number> values = new ArrayList<>();
        for (Map<String, Object> entry : log) {
            if (entry.get(MetricKeys.STEP) instanceof Number step
                    && entry.get(key) instanceof Number value) {
                steps.add(step);
                values.add(value);
            }
        }
        if (steps.isEmpty()) {
            return;
        }
        boolean heldOut = key.startsWith(MetricKeys.EVAL_PREFIX);
        Color colour = colour(chart, key);
        XYSeries series = chart.addSeries(key, steps, values);
        series.setMarker(steps.size() > MARKED ? SeriesMarkers.NONE : SeriesMarkers.CIRCLE);
        series.setMarkerColor(colour);
        series.setLineColor(colour);
        series.setLineStyle(
                heldOut
                        ? new BasicStroke(
                                2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, DASHES, 0)
                        : new BasicStroke(2, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    }

    /// A held-out metric has the colour of the same metric in training.
    private static Color colour(XYChart chart, String key) {
        XYSeries same =
                key.startsWith(MetricKeys.EVAL_PREFIX)
                        ? chart.getSeriesMap().get(key.substring(MetricKeys.EVAL_PREFIX.length()))
                        : null;
        if (same != null) {
            return same.getLineColor();
        }
        long used =
                chart.getSeriesMap().values().stream()
                        .filter(series -> !series.getName().equals(DEVIATION))
                        .map(XYSeries::getLineColor)
                        .distinct()
                        .count();
        return COLOURS.get((int) (used % COLOURS.size()));
    }

    /// The curves of metrics.
    static List<XYSeries> curves(XYChart chart) {
        return chart.getSeriesMap().values().stream()
                .filter(series -> !series.getName().equals(DEVIATION))
                .toList();
    }

    /// A polygon: forward along the upper edge, back along the lower one.
    private static void band(XYChart chart, List<Map<String, Object>> log) {
        List<Number> steps = new ArrayList<>();
        List<Number> edge = new ArrayList<>();
        int corners = 0;
        for (Map<String, Object> entry : log) {
            if (entry.get(MetricKeys.STEP) instanceof Number step
                    && entry.get(MetricKeys.REWARD) instanceof Number mean
                    && entry.get(MetricKeys.REWARD_STD) instanceof Number deviation) {
                steps.add(corners, step);
                edge.add(corners, mean.doubleValue() + deviation.doubleValue());
                corners++;
                steps.add(corners, step);
                edge.add(corners, mean.doubleValue() - deviation.doubleValue());
            }
        }
        if (corners > 1) {
            XYSeries band = chart.addSeries(DEVIATION, steps, edge);
            band.setXYSeriesRenderStyle(XYSeriesRenderStyle.PolygonArea);
            band.setMarker(SeriesMarkers.NONE);
            band.setLineColor(BAND);
            band.setFillColor(BAND);
        }
    }
}
