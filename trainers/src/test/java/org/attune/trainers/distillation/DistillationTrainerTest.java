package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.RoundTrainerContract;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/// A small student on a handful of rows, with a teacher of other weights.
class DistillationTrainerTest implements RoundTrainerContract<CompletionExample> {
    private static final int STEPS = 4;

    private final List<Decoder> students = new ArrayList<>();

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
        int different; // prompts of the last round
        private final int[] completion;

        Scripted(int... completion) {
            this.completion = completion;
        }

        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> asked, long round, FinishedListener listener) {
            rounds.add(round);
            prompts.add(asked.size());
            different = Set.copyOf(asked).size();
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
    private record End(List<Map<String, Object>> logs) {
        double loss(int step) {
            return ((Number) logs.get(step).get("loss")).doubleValue();
        }

        double norm(int step) {
            return ((Number) logs.get(step).get("grad_norm")).doubleValue();
        }
    }

    private static End train(GkdConfig config, DecoderConfig teacher) {
        return train(
                config, teacher, new DistilledRows.Writers(Optional.empty(), Optional.empty()));
    }

    private static End train(
            GkdConfig config, DecoderConfig teacher, DistilledRows.Writers writers) {
        return Engine.call(
                () -> {
                    var listener = new RecordingListener();
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            var lecturer = TinyModels.decoder(teacher);
                            Policy student =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        DistilledRows.gkd(
                                        config,
                                        student,
                                        TeacherModel.of(lecturer, Adapter.OFF),
                                        writers,
                                        rows(),
                                        List.of(new EvalSet<>("", rows())),
                                        RunContext.of(_ -> {}).withListeners(listener))
                                .train();
                        return new End(listener.logs);
                    }
                });
    }

    /// The student writes about half of the micro-batches.
    @Override
    public TrainerCase<CompletionExample> trainerCase() {
        return of(0.5);
    }

    @Override
    public Map<String, TrainerCase<CompletionExample>> forms() {
        return Map.of("given", of(0), "written", of(1));
    }

    private TrainerCase<CompletionExample> of(double lmbda) {
        MemoryTensorFile teacher = TinyModels.weights(TinyModels.qwen2());
        return new TrainerCase<>(
                rows(),
                this::student,
                given -> start(l -> l.withLmbda(lmbda), teacher, given),
                given -> start(l -> l.withLmbda(lmbda).withBeta(0.9), teacher, given),
                "beta",
                List.of(),
                given -> start(l -> l.withLmbda(lmbda), unknowing(), given),
                "rows.jsonl:");
    }

    private Policy student() {
        students.add(TinyModels.decoder(TinyModels.tiedLlama()));
        return Policy.withAllWeights(students.getLast(), Policy.Options.defaults());
    }

    @AfterEach
    void closeStudents() {
        Engine.run(() -> students.forEach(Decoder::close));
    }

    /// A teacher whose every score is NaN.
    private static MemoryTensorFile unknowing() {
        MemoryTensorFile weights = TinyModels.weights(TinyModels.qwen2());
        Arrays.fill(weights.values("model.norm.weight"), Float.NaN);
        return weights;
    }

    private float[] start(
            UnaryOperator<GkdLossConfig> loss,
            MemoryTensorFile teacher,
            Given<CompletionExample> given) {
        // Steps proportional to gradients: Adam makes whole steps of the rounding of tiny ones.
        GkdConfig config =
                config(loss)
                        .withTraining(
                                t ->
                                        t.withOptimizer(
                                                o -> o.withLearningRate(1).withAdamEpsilon(1)));
        try (var lecturer =
                Decoder.load(TinyModels.qwen2(), teacher, Devices.usual(), DType.FLOAT32)) {
            DistilledRows.gkd(
                            config.withTraining(given.training()),
                            given.policy(),
                            TeacherModel.of(lecturer, Adapter.OFF),
                            new DistilledRows.Writers(
                                    Optional.of(given.writer().apply(new Rounds())),
                                    Optional.empty()),
                            given.rows(),
                            List.of(),
                            given.context())
                    .train();
        }
        return new float[0];
    }

    @Test
    void aStudentThatIsItsTeacherHasNothingToLearn() {
        for (double beta : new double[] {0, 0.3, 1}) {
            End end = train(config(l -> l.withBeta(beta)), TinyModels.tiedLlama());
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
            End end = train(config, TinyModels.qwen2());
            assertTrue(end.loss(14) < 0.8 * end.loss(0), "beta " + beta + ": " + end.loss(14));
        }
    }

    @Tag("thorough")
    @Test
    void lmbdaSaysHowOftenTheStudentWrites() {
        var never = new Scripted(5, 6);
        var both = new DistilledRows.Writers(Optional.of(never), Optional.of(never));
        End given = train(config(l -> l), TinyModels.qwen2(), both);
        assertEquals(List.of(), never.rounds);

        var always = new Scripted(5, 6);
        var student = new DistilledRows.Writers(Optional.of(always), Optional.empty());
        End own = train(config(l -> l.withLmbda(1)), TinyModels.qwen2(), student);
        assertEquals(List.of(0L, 2L, 4L, 6L), always.rounds);
        assertEquals(List.of(4, 4, 4, 4), always.prompts);
        assertEquals(2.0, own.logs().getFirst().get("completions/mean_length"));
        assertTrue(Math.abs(own.loss(0) - given.loss(0)) > 1e-4);

        var some = new Scripted(5, 6);
        var half = new DistilledRows.Writers(Optional.of(some), Optional.empty());
        GkdConfig config =
                config(l -> l.withLmbda(0.5))
                        .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(20)));
        train(config, TinyModels.qwen2(), half);
        int written = some.prompts.stream().mapToInt(n -> n).sum();
        assertTrue(written > 20 && written < 60, written + " of 80");
        assertTrue(written % 2 == 0, "whole micro-batches");
    }

    /// A step of four rows has two of the file, each twice, with a completion each time.
    @Test
    void rowsStandSeveralTimesInAStep() {
        End twice = train(config(l -> l.withNumGenerations(2)), TinyModels.qwen2());
        GkdConfig two =
                config(l -> l)
                        .withTraining(t -> t.withBatch(b -> b.withPerDeviceTrainBatchSize(1)));
        End once = train(two, TinyModels.qwen2());
        for (int step = 0; step < STEPS; step++) {
            assertEquals(once.loss(step), twice.loss(step), 1e-6);
            assertEquals(once.norm(step), twice.norm(step), 1e-5 * once.norm(step));
        }
        var own = new Scripted(5, 6);
        var writers = new DistilledRows.Writers(Optional.of(own), Optional.empty());
        train(config(l -> l.withLmbda(1).withNumGenerations(2)), TinyModels.qwen2(), writers);
        assertEquals(List.of(4, 4, 4, 4), own.prompts);
        assertEquals(2, own.different);
    }

    @Test
    void seqKdHasTheTeacherWriteTheRest() {
        var own = new Scripted(5, 6);
        var taught = new Scripted(7, 8, 9);
        var writers = new DistilledRows.Writers(Optional.of(own), Optional.of(taught));
        GkdConfig config = config(l -> l.withLmbda(0.5).withSeqKd(true));
        train(config, TinyModels.qwen2(), writers);
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
        var writers = new DistilledRows.Writers(Optional.of(new Scripted(5, 6)), Optional.empty());
        End own = train(config(l -> l.withLmbda(1)), TinyModels.qwen2(), writers);
        End trl =
                train(config(l -> l.withLmbda(1).withTrlCompat(true)), TinyModels.qwen2(), writers);
        assertEquals(own.loss(0) * 8 / 13, trl.loss(0), 1e-6);
    }

    /// Writes as the round says.
    private record Rounds() implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> asked, long round, FinishedListener listener) {
            int[] ids = {5, 6 + (int) round % 8};
            return asked.stream()
                    .map(_ -> new SampledCompletion(ids, new float[2], StopReason.STOP_TOKEN))
                    .toList();
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    @Test
    void aRunWithoutTeacherIsRefused() {
        GkdConfig config = config(l -> l).withTeacher(_ -> TeacherConfig.defaults());
        String message =
                assertThrows(ConfigException.class, () -> train(config, TinyModels.qwen2()))
                        .getMessage();
        assertTrue(message.contains("teacher_adapter_name_or_path"), message);
    }
}
