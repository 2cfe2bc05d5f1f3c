package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.config.ResolvedConfig;
import org.attune.trainers.RunInfo;
import org.attune.trainers.RunSummary;
import org.attune.trainers.config.SftConfig;
import org.attune.trainers.report.MetricsFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

import javax.imageio.ImageIO;

class RunOutputsTest {
    @TempDir Path folder;

    private RunInfo info() {
        return new RunInfo("sft", folder, 0, 10, 5, 1);
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
        assertEquals(java.util.Set.of("loss", "eval_loss"), chart.getSeriesMap().keySet());
    }

    @Test
    void runWithoutLossHasNoPlot() {
        var plot = MetricPlot.loss();
        plot.onStart(info());
        plot.onEnd(summary());
        assertFalse(Files.exists(folder.resolve("loss.png")));
    }

    @Test
    void configurationStandsInTheRunAndInItsCheckpoints() throws IOException {
        var config = new ConfigFile(SftConfig.defaults());
        Path checkpoint = Files.createDirectories(folder.resolve("checkpoint-1"));
        config.onStart(info());
        config.onSave(1, checkpoint);
        for (Path place : new Path[] {folder, checkpoint}) {
            String yaml = Files.readString(place.resolve("config.yaml"));
            assertEquals(ResolvedConfig.yaml(SftConfig.defaults()), yaml);
            assertTrue(yaml.contains("learning_rate: 2.0E-5"), yaml);
        }
    }
}
