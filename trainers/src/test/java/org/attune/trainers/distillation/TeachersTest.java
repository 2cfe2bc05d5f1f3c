package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.optim.OptimizerType;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/// Teachers of two domains beside each of them alone. With plain gradient descent and no limit of
/// the norm, a step's change is its gradient.
class TeachersTest {
    private static final Map<String, String> BOTH = Map.of("down", "a", "up", "b");

    @TempDir private Path folder;
    private int runs;

    /// Rows of both domains in turn; completions of 4, 2, 5 and 3 tokens.
    private static List<CompletionExample> rows(Predicate<String> taken) {
        int[][] ids = {
            {3, 1, 4, 1, 5, 9, 2, 6},
            {3, 1, 4, 1, 5, 3},
            {3, 1, 4, 1, 7, 8, 8, 10, 11},
            {3, 1, 4, 2, 7, 1, 6}
        };
        List<CompletionExample> rows = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            String domain = i % 2 == 0 ? "up" : "down";
            if (taken.test(domain)) {
                var tokens = new CompletionTokens(ids[i], 4);
                rows.add(
                        new CompletionExample(tokens, new RowOrigin("rows.jsonl", i + 1, i))
                                .withColumns(Map.of("teacher_id", domain)));
            }
        }
        return rows;
    }

    /// @param models by domain; none: the first teacher teaches all
    private GkdConfig config(Map<String, String> models, Map<String, Double> weights, int steps) {
        Path output = folder.resolve("run" + runs++);
        return GkdConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("tiny"))
                .withData(_ -> DataConfig.of("rows.jsonl"))
                .withTeacher(
                        t ->
                                models.isEmpty()
                                        ? t.withTeacherModelNameOrPath("one")
                                        : t.withTeacherModels(models).withTeacherWeights(weights))
                .withLoss(l -> l.withLmbda(0).withBeta(0.3))
                .withTraining(
                        t ->
                                ShortRun.of(t, steps, 0.5, output)
                                        .withBatch(b -> b.withPerDeviceTrainBatchSize(4))
                                        .withOptimizer(
                                                o ->
                                                        o.withOptim(OptimizerType.SGD)
                                                                .withMaxGradNorm(0)));
    }

    /// What a run ends with.
    private record End(List<Map<String, Object>> logs, float[] values) {
        double logged(String key) {
            return ((Number) logs.getFirst().get(key)).doubleValue();
        }
    }

    private static MemoryTensorFile weights(boolean other) {
        MemoryTensorFile weights = TinyModels.weights(TinyModels.qwen2());
        float[] norm = weights.values("model.norm.weight");
        for (int i = 0; other && i < norm.length; i++) {
            norm[i] = i % 2 == 0 ? -norm[i] : 2 * norm[i];
        }
        return weights;
    }

    private static End train(GkdConfig config, List<CompletionExample> rows, boolean... teachers) {
        return Engine.call(
                () -> {
                    var listener = new RecordingListener();
                    List<Decoder> decoders = new ArrayList<>();
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            Policy student =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        List<TeacherModel> models = new ArrayList<>();
                        for (boolean other : teachers) {
                            decoders.add(
                                    Decoder.load(
                                            TinyModels.qwen2(),
                                            weights(other),
                                            Devices.usual(),
                                            DType.FLOAT32));
                            models.add(TeacherModel.of(decoders.getLast(), Adapter.OFF));
                        }
                        List<String> domains = config.teacher().domains();
                        DistilledRows.gkd(
                                        config,
                                        student,
                                        new Teachers(models, domains, config.teacher().weights()),
                                        new DistilledRows.Writers(
                                                Optional.empty(), Optional.empty()),
                                        rows,
                                        List.of(),
                                        RunContext.of(_ -> {}).withListeners(listener),
                                        Optional.empty())
                                .train();
                        return new End(listener.logs, values(student.parameters()));
                    } finally {
                        decoders.forEach(Decoder::close);
                    }
                });
    }

    /// Domains are in the order of their names: `down` is taught by the first, `up` by the second.
    @Test
    void rowsOfOneDomainAreTaughtAsByItsTeacherAlone() {
        for (String domain : List.of("down", "up")) {
            List<CompletionExample> rows = rows(domain::equals);
            End alone = train(config(Map.of(), Map.of(), 3), rows, domain.equals("up"));
            End both = train(config(BOTH, Map.of(), 3), rows, false, true);
            assertEquals(alone.logged("loss"), both.logged("loss"), 0, domain);
            assertEquals(alone.logged("grad_norm"), both.logged("grad_norm"), 0, domain);
            assertArrayEquals(alone.values(), both.values(), domain);
        }
    }

    /// `up` has 4 + 5 of the 14 tokens, `down` 2 + 3.
    @Test
    void aMixIsTheWeightedMeanOfItsDomains() {
        for (Map<String, Double> weights : List.of(Map.<String, Double>of(), Map.of("up", 2.5))) {
            End up = train(config(Map.of(), Map.of(), 1), rows("up"::equals), true);
            End down = train(config(Map.of(), Map.of(), 1), rows("down"::equals), false);
            End both = train(config(BOTH, weights, 1), rows(_ -> true), false, true);
            double ofUp = weights.getOrDefault("up", 1.0) * 9 / 14;
            double ofDown = 5.0 / 14;
            double loss = ofUp * up.logged("loss") + ofDown * down.logged("loss");
            assertEquals(loss, both.logged("loss"), 1e-5 * loss);
            assertEquals(9.0 / 14, both.logged("teacher_token_frac/up"), 1e-12);
            assertEquals(up.logged("loss"), both.logged("teacher_jsd/up"), 1e-5);
            assertEquals(down.logged("loss"), both.logged("teacher_jsd/down"), 1e-5);
            float[] before = values();
            double largest = 0;
            for (int i = 0; i < before.length; i++) {
                double change =
                        ofUp * (up.values()[i] - before[i])
                                + ofDown * (down.values()[i] - before[i]);
                assertEquals(change, both.values()[i] - before[i], 2e-6);
                largest = Math.max(largest, Math.abs(change));
            }
            assertTrue(largest > 1e-3, "largest change " + largest);
        }
    }

    private static float[] values(ParameterSpace trained) {
        return trained.values().toFloats();
    }

    private static float[] values() {
        return Engine.call(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            Policy student =
                                    Policy.withAllWeights(decoder, Policy.Options.defaults())) {
                        return values(student.parameters());
                    }
                });
    }

    @Test
    void aRowWithoutKnownDomainIsRefused() {
        TeacherConfig teachers = TeacherConfig.defaults().withTeacherModels(BOTH);
        assertEquals(0, teachers.teacherOf(Map.of("teacher_id", "down")));
        assertEquals(1, teachers.teacherOf(Map.of("teacher_id", "up")));
        assertEquals(1, teachers.withTeacherColumn("way").teacherOf(Map.of("way", "up")));
        for (Map<String, Object> columns :
                List.of(Map.<String, Object>of(), Map.<String, Object>of("teacher_id", "left"))) {
            String message =
                    assertThrows(DatasetException.class, () -> teachers.teacherOf(columns))
                            .getMessage();
            assertTrue(message.contains("down, up"), message);
            assertTrue(message.contains(columns.isEmpty() ? "missing" : "\"left\""), message);
        }
    }
}
