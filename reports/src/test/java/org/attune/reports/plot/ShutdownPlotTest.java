package org.attune.reports.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.report.MetricsFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Ctrl-C ends the JVM: what is drawn then is drawn while it ends.
class ShutdownPlotTest {
    @TempDir Path folder;

    @Test
    void plotOfAStoppedRunIsDrawn() throws Exception {
        Files.writeString(
                folder.resolve(MetricsFile.NAME),
                "{\"step\":1,\"loss\":2.0}\n{\"step\":2,\"loss\":1.0}\n");
        Process ending =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Ending.class.getName(),
                                folder.toString())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(ending.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, ending.waitFor(), said);
        assertTrue(Files.exists(folder.resolve("loss.png")), said);
    }

    /// Draws while the JVM ends.
    static final class Ending {
        private Ending() {}

        static void main(String... args) {
            MetricPlot plot = MetricPlot.loss();
            Path folder = Path.of(args[0]);
            plot.onStart(new RunInfo("sft", folder, 0, 2, 2, 0, 1));
            Runtime.getRuntime().addShutdownHook(new Thread(() -> plot.onSave(2, folder)));
        }
    }
}
