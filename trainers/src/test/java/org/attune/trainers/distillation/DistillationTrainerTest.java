package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.examples.CompletionExample;
import org.attune.datasets.examples.CompletionTokens;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// A small student on a handful of rows, with a teacher of other weights.
class DistillationTrainerTest {
    private static final int STEPS = 4;

    @TempDir private Path folder;
    private int runs;

    private static List<CompletionExample> rows() {
        int[][] ids = {
            {3, 1, 4, 1, 5, 9, 2, 6},
            {3, 1, 4, 1, 5, 3},
            {3, 1, 4, 1, 7, 8, 8, 10, 11},
            {3, 1, 4, 2, 7, 1}
        };
        List<CompletionExample> rows = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            rows.add(
                    new CompletionExample(
                            new CompletionTokens(ids[i], 4),
                            new RowOrigin("rows.jsonl", i + 1, i)));
        }
        return rows;
    }

    /// Writes the same completion again and again, and keeps what it was asked.
    private static final class Scripted implements RolloutSource {
        final List<Long> rounds = new ArrayList<>();
        final List<Integer> prompts = new ArrayList<>();
        private final int[] completion;

        Scripted(int... completion) {
            this.completion = completion;
        }

        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> asked, long round, FinishedListener listener) {
            rounds.add(round);
            prompts.add(asked.size());
            return asked.stream()
                    .map(
                            _ ->
                                    new SampledCompletion(
                                            completion,
                                            new float[completion.length],
                                            StopReason.STOP_TOKEN))
                    .toList();
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    private GkdConfig config(UnaryOperator<GkdLossConfig> loss) {
        Path output = folder.resolve("run" + runs++);
        return GkdConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("tiny"))
                .withData(_ -> DataConfig.of("rows.jsonl"))
                .withTeacher(t -> t.withTeacherModelNameOrPath("teacher"))
                .withLoss(l -> loss.apply(l.withLmbda(0)))
                .withTraining(
                        t ->
                                ShortRun.of(t, STEPS, 0.01, output)
                                        .withBatch(b -> b.withPerDeviceTrainBatchSize(2))
                                        .withBatch(b -> b.withGradientAccumulationSteps(2)));
    }

    /// What a run ends with.
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record End(float[] weights, List<Map<String, Object>> logs) {
        double loss(int step) {
            return ((Number) logs.get(step).get("loss")).doubleValue();
        }

        double norm(int step) {
            return ((Number) logs.get(step).get("grad_norm")).doubleValue();
        }
    }

    private static End train(GkdConfig config, DecoderConfig teacher, boolean shares) {
        return train(
                config,
                teacher,
                shares,
                new DistillationTrainer.Writers(Optional.empty(), Optional.empty()));
    }

    private static End train(
            GkdConfig config,
            DecoderConfig teacher,
            boolean shares,
            DistillationTrainer.Writers writers) {
        return train(config, teacher, writers, context -> context.withSharePrompts(shares));
    }

    private static End train(
            GkdConfig config,
            DecoderConfig teacher,
            DistillationTrainer.Writers writers,
            UnaryOperator<RunContext> context) {
        return Engine.call(
                () -> {
                    var listener = new RecordingListener();
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            var lecturer = TinyModels.decoder(teacher);
                            Policy student =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        DistillationTrainer.gkd(
                                        config,
                                        student,
                                        TeacherModel.of(lecturer, Adapter.OFF),
                                        writers,
                                        rows(),
                                        List.of(new EvalSet<>("", rows())),
                                        context.apply(
                                                RunContext.of(
                                                                path ->
                                                                        Files.writeString(
                                                                                path.resolve(
                                                                                        "model"),
                                                                                "weights"))
                                                        .withListeners(listener)))
                                .train();
                        ParameterSpace space = student.parameters();
                        return new End(space.values().toFloats(), listener.logs);
                    }
                });
    }

    @Test
    void aStudentThatIsItsTeacherHasNothingToLearn() {
        for (double beta : new double[] {0, 0.3, 1}) {
            End end = train(config(l -> l.withBeta(beta)), TinyModels.tiedLlama(), true);
            assertEquals(0, end.loss(0), 1e-6);
            assertEquals(0, end.norm(0), 1e-5);
        }
    }

    @Tag("thorough")
    @Test
    void theStudentComesNearerToItsTeacher() {
        for (double beta : new double[] {0, 0.5, 1}) {
            GkdConfig config =
                    config(l -> l.withBeta(beta))
                            .withTraining(
                                    t ->
                                            t.withSchedule(s -> s.withMaxSteps(15))
                                                    .withOptimizer(o -> o.withLearningRate(0.003)));
            End end = train(config, TinyModels.qwen2(), true);
            assertTrue(end.loss(14) < 0.8 * end.loss(0), "beta " + beta + ": " + end.loss(14));
        }
    }

    @Test
    void groupsAndSharedBeginningsChangeNothing() {
        End whole = train(config(l -> l), TinyModels.qwen2(), true);
        End separate = train(config(l -> l), TinyModels.qwen2(), false);
        GkdConfig one =
                config(l -> l).withTraining(t -> t.withBatch(b -> b.withTokensPerMicroBatch(1)));
        End rowByRow = train(one, TinyModels.qwen2(), true);
        for (End other : List.of(separate, rowByRow)) {
            for (int step = 0; step < STEPS; step++) {
                assertEquals(whole.loss(step), other.loss(step), 2e-5);
                assertEquals(whole.norm(step), other.norm(step), 2e-4);
            }
        }
    }

    @Tag("thorough")
    @Test
    void lmbdaSaysHowOftenTheStudentWrites() {
        var never = new Scripted(5, 6);
        var both = new DistillationTrainer.Writers(Optional.of(never), Optional.of(never));
        End given = train(config(l -> l), TinyModels.qwen2(), true, both);
        assertEquals(List.of(), never.rounds);

        var always = new Scripted(5, 6);
        var student = new DistillationTrainer.Writers(Optional.of(always), Optional.empty());
        End own = train(config(l -> l.withLmbda(1)), TinyModels.qwen2(), true, student);
        assertEquals(List.of(0L, 2L, 4L, 6L), always.rounds);
        assertEquals(List.of(4, 4, 4, 4), always.prompts);
        assertEquals(2.0, own.logs().getFirst().get("completions/mean_length"));
        assertTrue(Math.abs(own.loss(0) - given.loss(0)) > 1e-4);

        var some = new Scripted(5, 6);
        var half = new DistillationTrainer.Writers(Optional.of(some), Optional.empty());
        GkdConfig config =
                config(l -> l.withLmbda(0.5))
                        .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(20)));
        train(config, TinyModels.qwen2(), true, half);
        int written = some.prompts.stream().mapToInt(n -> n).sum();
        assertTrue(written > 20 && written < 60, written + " of 80");
        assertTrue(written % 2 == 0, "whole micro-batches");
    }

    @Test
    void seqKdHasTheTeacherWriteTheRest() {
        var own = new Scripted(5, 6);
        var taught = new Scripted(7, 8, 9);
        var writers = new DistillationTrainer.Writers(Optional.of(own), Optional.of(taught));
        GkdConfig config = config(l -> l.withLmbda(0.5).withSeqKd(true));
        train(config, TinyModels.qwen2(), true, writers);
        int all =
                own.prompts.stream().mapToInt(n -> n).sum()
                        + taught.prompts.stream().mapToInt(n -> n).sum();
        assertEquals(4 * STEPS, all);
        taught.rounds.forEach(round -> assertEquals(1, round % 2));
    }

    /// The data has 4 + 2 + 5 + 2 tokens, the student writes 4 · 2.
    @Tag("thorough")
    @Test
    void trlDividesByTheTokensOfTheData() {
        var writers =
                new DistillationTrainer.Writers(Optional.of(new Scripted(5, 6)), Optional.empty());
        End own = train(config(l -> l.withLmbda(1)), TinyModels.qwen2(), true, writers);
        End trl =
                train(
                        config(l -> l.withLmbda(1).withTrlCompat(true)),
                        TinyModels.qwen2(),
                        true,
                        writers);
        assertEquals(own.loss(0) * 8 / 13, trl.loss(0), 1e-6);
    }

    @Test
    void runsRepeatToTheBit() {
        var writers =
                new DistillationTrainer.Writers(Optional.of(new Scripted(5, 6)), Optional.empty());
        GkdConfig config = config(l -> l.withLmbda(0.5));
        float[] first = train(config, TinyModels.qwen2(), true, writers).weights();
        GkdConfig again = config(l -> l.withLmbda(0.5));
        assertArrayEquals(first, train(again, TinyModels.qwen2(), true, writers).weights(), 0);
    }

    /// Writes as the round says. At one round it asks for a stop, and heeds it at once or lets the
    /// trainer do so before its first group.
    private record Rounds(StopSignal stop, long stopsAt, boolean heedsIt) implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> asked, long round, FinishedListener listener) {
            if (round == stopsAt) {
                stop.request();
                if (heedsIt) {
                    StopRequest.check();
                }
            }
            int[] ids = {5, 6 + (int) round};
            return asked.stream()
                    .map(_ -> new SampledCompletion(ids, new float[2], StopReason.STOP_TOKEN))
                    .toList();
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    private static End written(GkdConfig config, Rounds rounds) {
        return train(
                config,
                TinyModels.qwen2(),
                new DistillationTrainer.Writers(Optional.of(rounds), Optional.empty()),
                context -> context.withStop(rounds.stop()));
    }

    @Test
    void aStopInTheMiddleOfARoundLosesNothing() {
        UnaryOperator<GkdConfig> rowByRow =
                c -> c.withTraining(t -> t.withBatch(b -> b.withTokensPerMicroBatch(1)));
        End whole =
                written(
                        rowByRow.apply(config(l -> l.withLmbda(1))),
                        new Rounds(new StopSignal(), -1, false));
        for (boolean heedsIt : new boolean[] {true, false}) {
            GkdConfig config = rowByRow.apply(config(l -> l.withLmbda(1)));
            End first = written(config, new Rounds(new StopSignal(), 4, heedsIt));
            End second =
                    written(
                            config.withTraining(
                                    t -> t.withSave(s -> s.withResume(new Resume.Latest()))),
                            new Rounds(new StopSignal(), -1, false));
            assertEquals(2, losses(first).size(), "the third step is cut off");
            List<Object> both = new ArrayList<>(losses(first));
            both.addAll(losses(second));
            assertEquals(losses(whole), both);
            assertArrayEquals(whole.weights(), second.weights(), 0);
        }
    }

    private static List<Object> losses(End end) {
        return end.logs().stream().map(log -> log.get("loss")).filter(Objects::nonNull).toList();
    }

    @Test
    void aRunWithoutTeacherIsRefused() {
        GkdConfig config = config(l -> l).withTeacher(_ -> TeacherConfig.defaults());
        String message =
                assertThrows(ConfigException.class, () -> train(config, TinyModels.qwen2(), true))
                        .getMessage();
        assertTrue(message.contains("teacher_adapter_name_or_path"), message);
    }
}
