package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.models.DtypeChoice;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Whole runs on episodes, from a configuration to files: an environment in a Java file, the
/// embedded model, records, replays and resuming.
class EpisodeRunsTest {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples/model");

    /// Answers two turns; the longer a turn is, the better.
    private static final String ECHO =
            """
            import org.attune.agents.environment.*;
            import org.attune.episode.*;
            import org.attune.text.Message;
            import org.attune.text.parse.ParsedTurn;
            import java.util.*;

            public final class Echo implements Environment {
                private long seed;

                @Override
                public Opening reset(EpisodeStart start) {
                    seed = start.seed() % 10;
                    return new Opening(Optional.of(" " + Math.abs(seed)), List.of());
                }

                @Override
                public Step step(ParsedTurn turn, int index) {
                    double reward = turn.message().content().length() % 7;
                    return index == 1
                            ? new Step.Done(reward, true)
                            : new Step.Observe(List.of(Message.of("user", "on")), reward);
                }
            }
            """;

    @TempDir private Path folder;

    @BeforeEach
    void write() throws IOException {
        Files.writeString(folder.resolve("Echo.java"), ECHO);
        Files.writeString(
                folder.resolve("prompts.jsonl"),
                """
                {"prompt": [{"role": "user", "content": "4 2"}], "answer": "2 4"}
                {"prompt": [{"role": "user", "content": "9 1"}]}
                """);
    }

    private static final class Logs implements TrainingListener {
        final List<Map<String, Object>> steps = new ArrayList<>();

        @Override
        public void onLog(int step, Map<String, Object> metrics) {
            steps.add(metrics);
        }
    }

    private GrpoConfig config(String name, int steps) {
        return GrpoConfig.defaults()
                .withModel(
                        m -> m.withModelNameOrPath(MODEL.toString()).withDtype(DtypeChoice.FLOAT32))
                .withLora(l -> l.withUsePeft(true).withLoraR(2).withLoraDropout(0))
                .withData(_ -> DataConfig.of(folder.resolve("prompts.jsonl").toString()))
                .withAgent(
                        a ->
                                a.withEnvironments(
                                        Map.of("echo", folder.resolve("Echo.java").toString())))
                .withGeneration(
                        g ->
                                g.withNumGenerations(4)
                                        .withMaxCompletionLength(60)
                                        .withStepsPerGeneration(2))
                .withTraining(
                        t ->
                                t.withOptimizer(o -> o.withLearningRate(0.001))
                                        .withSchedule(
                                                s ->
                                                        s.withMaxSteps(steps)
                                                                .withLrSchedulerType(
                                                                        LrSchedulerType.CONSTANT))
                                        .withBatch(b -> b.withPerDeviceTrainBatchSize(4))
                                        .withLog(l -> l.withLoggingSteps(1))
                                        .withSave(
                                                s ->
                                                        s.withOutputDir(folder.resolve(name))
                                                                .withSaveStrategy(
                                                                        SaveStrategy.STEPS)
                                                                .withSaveSteps(1)));
    }

    private Logs train(GrpoConfig config) {
        var logs = new Logs();
        Runs.with(logs).train(config, folder);
        return logs;
    }

    private byte[] adapter(String name) throws IOException {
        return Files.readAllBytes(folder.resolve(name).resolve("adapter_model.safetensors"));
    }

    @Test
    void areRecordedReplayedAndResumedBitForBit() throws IOException {
        Path file = folder.resolve("rounds.jsonl");
        Logs whole = train(config("whole", 4).withRollouts(r -> r.withRecordRollouts(file)));
        Map<String, Object> first = whole.steps.getFirst();
        assertEquals(1.0, first.get("episodes/end/environment_done"));
        assertEquals(2.0, first.get("episodes/turns/mean"));
        assertTrue(((Number) first.get("episodes/tokens/foreign")).doubleValue() > 0);
        assertTrue(first.containsKey("rewards/echo/mean"), first.toString());
        assertTrue(
                ((Number) first.get("sampling/sampling_logp_difference/max")).doubleValue() < 1e-5,
                first.toString());

        train(config("replayed", 4).withRollouts(r -> r.withRecordedRollouts(file)));
        assertArrayEquals(adapter("whole"), adapter("replayed"));

        train(config("halves", 3)); // ends in the middle of a round
        UnaryOperator<GrpoConfig> on =
                c -> c.withTraining(t -> t.withSave(s -> s.withResume(new Resume.Latest())));
        train(on.apply(config("halves", 4)));
        assertArrayEquals(adapter("whole"), adapter("halves"));
    }
}
