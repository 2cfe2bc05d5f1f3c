package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordingFile;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// The way from a program that trains to the formula that it trains by stays short enough to be
/// read. The JDK's method tracing tells who called the formula.
@Tag("thorough")
final class PathLengthTest {
    private static final int MOST_CALLS = 15;
    private static final String FORMULA =
            "org.attune.trainers.preference.PreferenceLoss$Sigmoid::loss";
    private static final String CALLER = "org.attune.trainers.opening.OpenedRun::train";

    /// They carry work to the engine's thread and watch for a stop.
    private static final Set<String> CARRIERS =
            Set.of(
                    "org.attune.tensor.Engine",
                    "org.attune.error.EngineWait",
                    "org.attune.error.StopRequest");

    @Test
    void aPairComesToTheFormulaInFewCalls(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("calls.jfr");
        try (var recording = new Recording()) {
            recording
                    .enable("jdk.MethodTrace")
                    .with("filter", FORMULA + ";" + CALLER)
                    .withStackTrace();
            recording.start();
            train(folder);
            recording.dump(file);
        }
        Set<String> path = new LinkedHashSet<>();
        for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
            if (event.getEventType().getName().equals("jdk.MethodTrace")) {
                path.addAll(ours(event));
            }
        }
        assertTrue(path.contains("PreferenceLoss$Sigmoid.loss"), path.toString());
        assertTrue(path.contains("Runs.train"), path.toString());
        System.out.println(path.size() - 1 + " calls: " + path);
        assertFalse(path.size() - 1 > MOST_CALLS, path.size() - 1 + " calls: " + path);
    }

    private static void train(Path folder) throws IOException {
        Path examples = Path.of(System.getProperty("attune.root", "..")).resolve("examples");
        Path few = folder.resolve("pairs.jsonl");
        List<String> pairs = Files.readAllLines(examples.resolve("quickstart/pairs.jsonl"));
        Files.write(few, pairs.subList(0, 8));
        DpoConfig config =
                DpoConfig.defaults()
                        .withModel(ModelConfig.of(examples.resolve("model").toString()))
                        .withLora(LoraSettings.allLinear(4, 8))
                        .withData(DataConfig.of(few.toString()))
                        .withTraining(t -> t.withSave(SaveConfig.to(folder.resolve("out"))))
                        .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(1)));
        Runs.with().train(config);
    }

    /// Methods on the way, the outermost first. Lambdas and overloads count as the method that has
    /// them.
    private static List<String> ours(RecordedEvent event) {
        List<String> calls = new ArrayList<>();
        calls.add(name(event.getValue("method")));
        for (RecordedFrame frame : event.getStackTrace().getFrames()) {
            String type = frame.getMethod().getType().getName();
            if (type.startsWith("org.attune.")
                    && !type.startsWith("org.attune.examples")
                    && !type.contains("$$")
                    && CARRIERS.stream().noneMatch(type::startsWith)) {
                calls.add(name(frame.getMethod()));
            }
        }
        return calls.reversed();
    }

    private static String name(RecordedMethod method) {
        String type = method.getType().getName();
        String plain = method.getName().replaceFirst("^lambda\\$(\\w+)\\$\\d+$", "$1");
        return type.substring(type.lastIndexOf('.') + 1) + "." + plain;
    }
}
