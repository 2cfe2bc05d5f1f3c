package org.attune.cli;

import org.attune.trainers.loop.MetricKeys;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.Color;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Curves over the steps of a run, from the entries of its `metrics.jsonl`.
final class MetricCharts {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 540;
    private static final Color BAND = new Color(120, 160, 220, 60);

    private static final Pattern FUNCTION_MEAN = Pattern.compile("rewards/.+/mean");
    private static final Pattern HELD_OUT_REWARD =
            Pattern.compile(MetricKeys.EVAL_PREFIX + "(.+_)?" + MetricKeys.REWARD);

    private MetricCharts() {}

    static XYChart loss(List<Map<String, Object>> log) {
        XYChart chart = chart("loss");
        add(chart, log, MetricKeys.LOSS);
        add(chart, log, MetricKeys.EVAL_PREFIX + MetricKeys.LOSS);
        return chart;
    }

    /// The mean reward in a band of one deviation to each side, held-out rewards, and where several
    /// functions judge, the mean of each.
    static XYChart reward(List<Map<String, Object>> log) {
        XYChart chart = chart("reward");
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
        return new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .xAxisTitle("step")
                .yAxisTitle(yTitle)
                .build();
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
        if (!steps.isEmpty()) {
            chart.addSeries(key, steps, values).setMarker(SeriesMarkers.CIRCLE);
        }
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
            XYSeries band = chart.addSeries("one deviation", steps, edge);
            band.setXYSeriesRenderStyle(XYSeriesRenderStyle.PolygonArea);
            band.setMarker(SeriesMarkers.NONE);
            band.setLineColor(BAND);
            band.setFillColor(BAND);
        }
    }
}
