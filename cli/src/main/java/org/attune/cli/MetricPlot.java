package org.attune.cli;

import org.attune.files.AtomicFile;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.report.MetricsFile;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/// A picture of `metrics.jsonl`, drawn anew at every checkpoint and at the end. A plot that can't
/// be drawn is a warning: it is no part of the result.
final class MetricPlot implements TrainingListener {
    private static final Logger LOG = LoggerFactory.getLogger(MetricPlot.class);

    private final String name;
    private final Function<List<Map<String, Object>>, XYChart> chart;
    private Path folder;

    /// @param name of the file in the run's folder
    /// @param chart of the log; one without series leaves no file
    MetricPlot(String name, Function<List<Map<String, Object>>, XYChart> chart) {
        this.name = name;
        this.chart = chart;
    }

    /// `loss.png`: training and held-out loss.
    static MetricPlot loss() {
        return new MetricPlot("loss.png", MetricCharts::loss);
    }

    /// `reward.png`: rewards of completions, in training and held out.
    static MetricPlot reward() {
        return new MetricPlot("reward.png", MetricCharts::reward);
    }

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
            XYChart picture = chart.apply(log);
            if (picture.getSeriesMap().isEmpty()) {
                return;
            }
            var png = new ByteArrayOutputStream();
            // In memory: ImageIO's own way through a file asks for a hook at the JVM's end, which
            // a run that is being stopped doesn't get.
            try (var stream = new MemoryCacheImageOutputStream(png)) {
                ImageIO.write(BitmapEncoder.getBufferedImage(picture), "png", stream);
            }
            AtomicFile.write(
                    folder.resolve(name),
                    channel -> {
                        ByteBuffer bytes = ByteBuffer.wrap(png.toByteArray());
                        while (bytes.hasRemaining()) {
                            channel.write(bytes);
                        }
                    });
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("{} was not drawn: {}", name, e.toString());
        }
    }
}
