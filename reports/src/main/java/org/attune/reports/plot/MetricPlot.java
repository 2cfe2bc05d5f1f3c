package org.attune.reports.plot;

import org.attune.files.AtomicFile;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.report.MetricsFile;
import org.knowm.xchart.XYChart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/// A picture of `metrics.jsonl`, drawn anew at every checkpoint and at the end. A plot that can't
/// be drawn is a warning: it is no part of the result.
public final class MetricPlot implements TrainingListener {
    private static final Logger LOG = LoggerFactory.getLogger(MetricPlot.class);

    public static final String NO_FONTS =
            "this machine has no fonts for pictures; install some, on Debian by apt install"
                    + " fontconfig fonts-dejavu-core";

    private final String name;
    private final String title;
    private final String note;
    private final Function<List<Map<String, Object>>, XYChart> chart;
    private Path folder;
    private String method = "";

    /// @param name of the file in the run's folder
    /// @param title above the chart
    /// @param note below the title, after the method
    /// @param chart of the log; one without series leaves no file
    MetricPlot(
            String name,
            String title,
            String note,
            Function<List<Map<String, Object>>, XYChart> chart) {
        this.name = name;
        this.title = title;
        this.note = note;
        this.chart = chart;
    }

    /// `loss.png`: training and held-out loss.
    public static MetricPlot loss() {
        return new MetricPlot("loss.png", "Loss", "dashed: held out", MetricCharts::loss);
    }

    /// `reward.png`: rewards of completions, in training and held out.
    public static MetricPlot reward() {
        return new MetricPlot(
                "reward.png",
                "Reward",
                "dashed: held out; band: one standard deviation of completions to each side",
                MetricCharts::reward);
    }

    @Override
    public void onStart(RunInfo info) {
        // Before the first AWT class: servers have no display.
        System.setProperty("java.awt.headless", "true");
        folder = info.outputDir();
        method = info.method();
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
                ImageIO.write(
                        PlotPicture.of(
                                picture,
                                title,
                                method + " · " + note,
                                MetricCharts.curves(picture)),
                        "png",
                        stream);
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
            LOG.warn("{} was not drawn: {}", name, reason(e));
        }
    }

    /// Why there is no picture. Without fonts the JDK fails in several ways.
    private static String reason(Throwable e) {
        return e.toString().toLowerCase(Locale.ROOT).contains("font")
                ? NO_FONTS + " (" + e.getMessage() + ")"
                : e.toString();
    }
}
