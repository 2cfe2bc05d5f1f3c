package org.attune.cli;

import org.attune.files.AtomicFile;
import org.attune.trainers.MetricKeys;
import org.attune.trainers.RunInfo;
import org.attune.trainers.RunSummary;
import org.attune.trainers.TrainingListener;
import org.attune.trainers.report.MetricsFile;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// `loss.png`: training and held-out loss over the steps, drawn from `metrics.jsonl` at every
/// checkpoint and at the end. A plot that can't be drawn is a warning: it is no part of the result.
final class LossPlot implements TrainingListener {
    static final String NAME = "loss.png";

    private static final Logger LOG = LoggerFactory.getLogger(LossPlot.class);
    private static final int WIDTH = 900;
    private static final int HEIGHT = 540;

    private Path folder;

    @Override
    public void onStart(RunInfo info) {
        // Before the first AWT class: servers have no display.
        System.setProperty("java.awt.headless", "true");
        folder = info.outputDir();
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        draw();
    }

    @Override
    public void onEnd(RunSummary summary) {
        draw();
    }

    private void draw() {
        try {
            List<Map<String, Object>> log = MetricsFile.read(folder.resolve(MetricsFile.NAME));
            XYChart chart = chart(log);
            if (chart.getSeriesMap().isEmpty()) {
                return;
            }
            var png = new ByteArrayOutputStream();
            BitmapEncoder.saveBitmap(chart, png, BitmapEncoder.BitmapFormat.PNG);
            AtomicFile.write(
                    folder.resolve(NAME),
                    channel -> {
                        ByteBuffer bytes = ByteBuffer.wrap(png.toByteArray());
                        while (bytes.hasRemaining()) {
                            channel.write(bytes);
                        }
                    });
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("{} was not drawn: {}", NAME, e.toString());
        }
    }

    static XYChart chart(List<Map<String, Object>> log) {
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .xAxisTitle("step")
                        .yAxisTitle("loss")
                        .build();
        add(chart, log, MetricKeys.LOSS);
        add(chart, log, MetricKeys.EVAL_PREFIX + MetricKeys.LOSS);
        return chart;
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
}
