package org.attune.reports.plot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.report.MetricsFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import javax.imageio.ImageIO;

class MetricPlotTest {
    @TempDir Path folder;

    private RunInfo info() {
        return new RunInfo("sft", folder, 0, 10, 5, 0, 1);
    }

    private static RunSummary summary() {
        return new RunSummary(2, false, Optional.empty(), Map.of(), 0, 0);
    }

    @Test
    void lossIsPlotted() throws IOException {
        var metrics = new MetricsFile(folder);
        var plot = MetricPlot.loss();
        metrics.onStart(info());
        plot.onStart(info());
        metrics.onLog(1, Map.of("loss", 2.0));
        metrics.onLog(2, Map.of("loss", 1.5));
        metrics.onEvaluate(2, Map.of("eval_loss", 1.75));
        plot.onEnd(summary());
        var image = ImageIO.read(folder.resolve("loss.png").toFile());
        assertEquals(900, image.getWidth());
        var chart = MetricCharts.loss(MetricsFile.read(folder.resolve("metrics.jsonl")));
        assertEquals(Set.of("loss", "eval_loss"), chart.getSeriesMap().keySet());
    }

    @Test
    void rewardsArePlottedWithWhatIsHeldOut() throws IOException {
        var metrics = new MetricsFile(folder);
        var plot = MetricPlot.reward();
        metrics.onStart(info());
        plot.onStart(info());
        metrics.onEvaluate(0, Map.of("eval_reward", 0.25, "eval_reward_std", 0.5));
        for (int step = 1; step <= 3; step++) {
            metrics.onLog(
                    step,
                    Map.of("reward", 0.1 * step, "reward_std", 0.2, "rewards/exact/mean", 0.1));
        }
        metrics.onEvaluate(3, Map.of("eval_reward", 0.75));
        plot.onSave(3, folder);
        assertEquals(900, ImageIO.read(folder.resolve("reward.png").toFile()).getWidth());
        var log = MetricsFile.read(folder.resolve("metrics.jsonl"));
        var series = MetricCharts.reward(log).getSeriesMap();
        assertEquals(Set.of("one deviation", "reward", "eval_reward"), series.keySet());
        // up along the upper edge, back along the lower one
        assertArrayEquals(new double[] {1, 2, 3, 3, 2, 1}, series.get("one deviation").getXData());
        assertArrayEquals(
                new double[] {0.3, 0.4, 0.5, 0.1, 0, -0.1},
                series.get("one deviation").getYData(),
                1e-12);
        log.getLast().put("rewards/format/mean", 1.0);
        assertEquals(5, MetricCharts.reward(log).getSeriesMap().size());
    }

    @Test
    void runWithoutLossOrRewardHasNoPlot() {
        for (var plot : List.of(MetricPlot.loss(), MetricPlot.reward())) {
            plot.onStart(info());
            plot.onEnd(summary());
        }
        assertFalse(Files.exists(folder.resolve("loss.png")));
        assertFalse(Files.exists(folder.resolve("reward.png")));
    }
}
