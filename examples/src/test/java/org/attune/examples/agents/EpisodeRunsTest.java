package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.loop.History;
import org.attune.models.DtypeChoice;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
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
@Tag("thorough")
class EpisodeRunsTest {
    @TempDir private Path folder;

    @BeforeEach
    void write() throws IOException {
        EchoWorld.write(folder);
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
                        m ->
                                m.withModelNameOrPath(EchoWorld.MODEL.toString())
                                        .withDtype(DtypeChoice.FLOAT32))
                .withLora(l -> l.withUsePeft(true).withLoraR(2).withLoraDropout(0))
                .withData(_ -> DataConfig.of(folder.resolve("prompts.jsonl").toString()))
                .withAgent(
                        a ->
                                a.withEnvironments(
                                        Map.of("echo", folder.resolve("Echo.java").toString())))
                .withNumGenerations(4)
                .withMaxCompletionLength(60)
                .withRounds(r -> r.withStepsPerGeneration(2))
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

    @Tag("thorough")
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
                ((Number) first.get("sampling/sampling_logp_difference/max")).doubleValue() < 1e-4,
                first.toString());

        train(config("replayed", 4).withRollouts(r -> r.withRecordedRollouts(file)));
        assertArrayEquals(adapter("whole"), adapter("replayed"));

        train(config("halves", 3)); // ends in the middle of a round
        UnaryOperator<GrpoConfig> on =
                c -> c.withTraining(t -> t.withSave(s -> s.withResume(new Resume.Latest())));
        train(on.apply(config("halves", 4)));
        assertArrayEquals(adapter("whole"), adapter("halves"));
    }

    private GrpoConfig forking(String name) throws IOException {
        Path template = EchoWorld.forkingTemplate(folder, "| replace('2', '')");
        return config(name, 2)
                .withModel(m -> m.withChatTemplatePath(template.toString()))
                .withAgent(a -> a.withPlay(p -> p.withHistory(History.TEMPLATE)))
                .withRounds(r -> r.withStepsPerGeneration(1));
    }

    /// On policy the loss is −Σ advantage · own tokens / Σ own tokens, whatever rows they are in.
    @Tag("thorough")
    @Test
    void forkedEpisodesAreTrainedInAllTheirRows() throws IOException {
        Path file = folder.resolve("forks.jsonl");
        GrpoConfig config = forking("forked");
        Logs logs = train(config.withRollouts(r -> r.withRecordRollouts(file)));
        List<double[]> group = new ArrayList<>(); // reward and own tokens
        int forks = 0;
        for (EchoWorld.Recorded episode : EchoWorld.recorded(file)) {
            forks += episode.forks();
            if (episode.round() == 0) {
                group.add(new double[] {episode.reward(), episode.own()});
            }
        }
        assertTrue(forks > 0, "no episode forked");
        assertTrue(group.stream().anyMatch(e -> e[0] != group.getFirst()[0]), "nothing is learned");
        double mean = group.stream().mapToDouble(e -> e[0]).average().orElseThrow();
        double squares = group.stream().mapToDouble(e -> Math.pow(e[0] - mean, 2)).sum();
        double deviation = Math.sqrt(squares / (group.size() - 1)) + 1e-4;
        double own = group.stream().mapToDouble(e -> e[1]).sum();
        double loss =
                group.stream().mapToDouble(e -> -(e[0] - mean) / deviation * e[1]).sum() / own;
        Map<String, Object> first = logs.steps.getFirst();
        assertEquals(loss, ((Number) first.get("loss")).doubleValue(), 1e-5);
        assertTrue(
                ((Number) first.get("sampling/sampling_logp_difference/max")).doubleValue() < 1e-4,
                first.toString());

        train(config.withTraining(t -> t.withSave(s -> s.withOutputDir(folder.resolve("again")))));
        assertArrayEquals(adapter("forked"), adapter("again"));
    }

    /// Of each four episodes one goes well, one's world throws, one's hangs, and one's answers with
    /// 10 MB.
    private static final String CHAOS =
            """
            import org.attune.agents.environment.*;
            import org.attune.episode.*;
            import org.attune.text.Message;
            import org.attune.text.parse.ParsedTurn;
            import java.util.*;

            public final class Chaos implements Environment {
                private int member;

                @Override
                public Opening reset(EpisodeStart start) {
                    member = start.member();
                    return Opening.NOTHING;
                }

                @Override
                public Step step(ParsedTurn turn, int index) throws Exception {
                    if (index == 1 || member == 0) {
                        return new Step.Done(1 + turn.message().content().length() % 7, true);
                    }
                    if (member == 1) {
                        throw new java.io.IOException("gone");
                    }
                    if (member == 2) {
                        Thread.sleep(600_000);
                    }
                    return new Step.Observe(
                            List.of(Message.of("user", "10 MB ".repeat(1_700_000))), 0);
                }
            }
            """;

    @Test
    void aRunWhoseWorldsFailEndsAndSaysSo() throws IOException {
        Files.writeString(folder.resolve("Chaos.java"), CHAOS);
        Logs logs =
                train(
                        config("chaos", 2)
                                .withRounds(r -> r.withStepsPerGeneration(1))
                                .withAgent(
                                        a ->
                                                a.withEnvironments(
                                                                Map.of(
                                                                        "chaos",
                                                                        folder.resolve("Chaos.java")
                                                                                .toString()))
                                                        .withBudget(b -> b.withToolTimeout(0.5))
                                                        .withPlay(
                                                                p ->
                                                                        p.withEpisodeRetries(0)
                                                                                .withMaxFailedEpisodes(
                                                                                        1))));
        assertEquals(2, logs.steps.size());
        for (Map<String, Object> step : logs.steps) {
            double failed = ((Number) step.get("episodes/end/failed")).doubleValue();
            assertTrue(failed > 0 && failed <= 0.5, step.toString());
            assertTrue(Double.isFinite(((Number) step.get("loss")).doubleValue()));
            assertTrue(Double.isFinite(((Number) step.get("grad_norm")).doubleValue()));
        }
        assertTrue(adapter("chaos").length > 0);
    }
}
