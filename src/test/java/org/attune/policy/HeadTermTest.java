package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ShapeException;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/// A divergence from a teacher, evaluated in the output head, against autograd on whole logits.
class HeadTermTest {
    private static final List<Divergence> DIVERGENCES =
            List.of(Divergence.of(0), Divergence.of(1), Divergence.of(0.5), Divergence.of(0.1));

    private static final double TEMPERATURE = 0.7;

    private static void onEngine(Runnable body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        body.run();
                    }
                });
    }

    private static Tensor random(String name, int rows, int columns) {
        var random = TinyModels.random(name);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = 6 * random.nextFloat() - 3;
        }
        return Tensor.of(Devices.usual(), values, rows, columns);
    }

    /// Σ over categories in double, from log-probabilities.
    private static double naive(Divergence divergence, double[] q, double[] p) {
        double sum = 0;
        for (int c = 0; c < q.length; c++) {
            double student = Math.exp(q[c]);
            double teacher = Math.exp(p[c]);
            sum +=
                    switch (divergence) {
                        case Divergence.ForwardKl _ -> teacher * (p[c] - q[c]);
                        case Divergence.ReverseKl _ -> student * (q[c] - p[c]);
                        case Divergence.JensenShannon(double beta) -> {
                            double m = Math.log(beta * teacher + (1 - beta) * student);
                            yield beta * teacher * (p[c] - m) + (1 - beta) * student * (q[c] - m);
                        }
                    };
        }
        return sum;
    }

    @Test
    void valuesAreTheFormulas() {
        onEngine(
                () -> {
                    Tensor q = random("student", 3, 6).logSoftmax(Tensor.LAST);
                    Tensor p = random("teacher", 3, 6).logSoftmax(Tensor.LAST);
                    for (Divergence divergence : DIVERGENCES) {
                        float[] values = divergence.values(q, p).toFloats();
                        for (int i = 0; i < values.length; i++) {
                            double expected =
                                    naive(
                                            divergence,
                                            q.select(0, i).toDoubles(),
                                            p.select(0, i).toDoubles());
                            assertClose(divergence.toString(), expected, values[i], 1e-6, 1e-5);
                        }
                    }
                });
    }

    /// Six of nine tokens are told apart, then none is left for the rest; or two of the six places
    /// have no token.
    @Test
    void slopesOfTopTokensEqualAutograds() {
        int[] ids = {4, 0, 8, 1, 5, 3};
        int[] fewer = {4, TopTokens.NONE, 8, 1, TopTokens.NONE, 3};
        float[] half = {-1, -2, -1.5f, -3, -4, -5};
        float[] all = new float[6];
        Arrays.fill(all, (float) Math.log(1 / 6d));
        onEngine(
                () -> {
                    for (float[] logProbs : List.of(half, all)) {
                        for (Divergence divergence : DIVERGENCES) {
                            for (boolean tail : new boolean[] {true, false}) {
                                for (int[] known : List.of(ids, fewer)) {
                                    var tops = new TopTokens(6, known, logProbs, tail);
                                    compareSlopes(
                                            HeadTerm.of(divergence, tops), random("student", 1, 9));
                                }
                            }
                        }
                    }
                });
    }

    /// Five of the student's tokens are told apart from nine, with the others together or without.
    @Test
    void slopesAmongTheStudentsTopTokensEqualAutograds() {
        int[] ids = IntStream.range(0, 9).toArray();
        onEngine(
                () -> {
                    float[] logProbs = random("teacher", 1, 9).logSoftmax(Tensor.LAST).toFloats();
                    for (boolean tail : new boolean[] {false, true}) {
                        for (Divergence divergence : DIVERGENCES) {
                            var whole = new TopTokens(9, ids, logProbs, true);
                            var top = Teacher.amongTop(whole, 5, tail);
                            compareSlopes(HeadTerm.of(divergence, top), random("student", 1, 9));
                        }
                    }
                });
    }

    private static void compareSlopes(HeadTerm term, Tensor logits) {
        Tensor z = logits.detach().requireGradient(true);
        try (var _ = Autograd.enabled()) {
            term.values(z, 0, TEMPERATURE).sum().backward();
        }
        float[] slopes = term.slopes(logits, 0, TEMPERATURE).toFloats();
        assertClose(term.toString(), z.gradient().toFloats(), slopes, 1e-6, 1e-5);
    }

    @Test
    void wrongTablesOfTokensAreRefused() {
        assertThrows(ShapeException.class, () -> new TopTokens(2, new int[3], new float[3], true));
        assertThrows(ShapeException.class, () -> new TopTokens(2, new int[4], new float[2], true));
        assertThrows(IllegalArgumentException.class, () -> Divergence.of(1.5));
        assertThrows(
                IllegalArgumentException.class, () -> HeadRequest.of(HeadStatistic.DIVERGENCE));
    }

    private static DecoderConfig config(int width, int vocabulary) {
        var attention = new AttentionConfig(2, 1, width / 2, false, false, false, List.of(0));
        return TinyModels.sized("llama", width, 12, vocabulary, 1, attention, false, false);
    }

    /// A model of other weights.
    private static Decoder teacher(DecoderConfig config) {
        MemoryTensorFile file = TinyModels.weights(config);
        Decoder decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
        try (var _ = TensorScope.open("teacher")) {
            Tensor weight = decoder.output().weight().base();
            weight.copyInPlace(
                    random("output", (int) weight.size(0), (int) weight.size(1)).mul(0.3));
        }
        return decoder;
    }

    private static TokenForest forest(DecoderConfig config, int length) {
        var builder = TokenForest.builder();
        int prompt = builder.root(TinyModels.tokens("prompt", config, 3));
        for (String name : List.of("a", "b")) {
            int child = builder.child(prompt, TinyModels.tokens(name, config, length));
            for (int i = 0; i < length; i++) {
                builder.target(child, i);
            }
        }
        return builder.build();
    }

    /// The second vocabulary is so large that the head takes several chunks.
    @Test
    void theHeadsGradientsEqualAutograds() {
        for (DecoderConfig config : List.of(config(8, 31), config(8, 262_144))) {
            onEngine(
                    () -> {
                        TokenForest forest = forest(config, 20);
                        try (Decoder student = TinyModels.decoder(config);
                                Decoder other = teacher(config);
                                var teacher = new TeacherPass(other, Adapter.OFF, forest)) {
                            for (Divergence divergence : DIVERGENCES) {
                                compare(student, forest, HeadTerm.of(divergence, teacher));
                            }
                        }
                    });
        }
    }

    private static void compare(Decoder student, TokenForest forest, HeadTerm term) {
        int targets = forest.targetCount();
        Tensor hidden = random("hidden", forest.size(), student.config().hiddenSize());
        var request = HeadRequest.of(term, TEMPERATURE, HeadStatistic.ENTROPY);
        float[] weights = random("weights", 1, targets).toFloats();
        float[] logProbs = random("of log-probs", 1, targets).toFloats();

        Tensor x = hidden.detach().requireGradient(true);
        float[] values;
        try (var _ = Autograd.enabled()) {
            Tensor index = Tensor.ofInts(Devices.usual(), forest.targetSources(), targets);
            Tensor h = student.finalNorm().apply(x.indexSelect(0, index), w -> w.base()); // (M, D)
            Tensor z = h.linear(student.output().weight().base()).mul(1 / TEMPERATURE); // (M, V)
            Tensor divergences = term.values(z, 0, TEMPERATURE); // (M, 1)
            values = divergences.detach().toFloats();
            Tensor ids = Tensor.ofInts(Devices.usual(), forest.targetTokens(), targets, 1);
            Tensor own = z.logSoftmax(Tensor.LAST).gather(1, ids.to(DType.INT64)); // (M, 1)
            Tensor loss = divergences.mul(Tensor.of(Devices.usual(), weights, targets, 1)).sum();
            loss.add(own.mul(Tensor.of(Devices.usual(), logProbs, targets, 1)).sum()).backward();
        }
        try (var head =
                new OutputHead(
                        student, hidden, forest, request, OutputHead.Use.training(Adapter.OFF))) {
            float[] measured = head.measurement().statistic(HeadStatistic.DIVERGENCE);
            assertClose("values of " + term, values, measured, 1e-5, 1e-5);
            Tensor d = head.backward(logProbs, Map.of(HeadStatistic.DIVERGENCE, weights)); // (N, D)
            assertClose("" + term, x.gradient().toFloats(), d.toFloats(), 2e-5, 2e-5);
        }
    }

    /// The same through blocks and adapter, by finite differences.
    @Test
    void aStudentLearnsFromTheTerm() {
        DecoderConfig config = config(8, 31);
        TokenForest forest = forest(config, 5);
        BiFunction<Integer, Double, float[]> at =
                (moved, step) ->
                        Engine.call(
                                () -> {
                                    try (var _ = TensorScope.open("test")) {
                                        return gradients(config, forest, moved, step);
                                    }
                                });
        float[] gradients = at.apply(0, 0.0);
        for (int i = 1; i < gradients.length; i += gradients.length / 7) {
            float up = at.apply(i - 1, 2e-3)[0];
            float down = at.apply(i - 1, -2e-3)[0];
            assertClose("gradient " + i, (up - down) / 4e-3, gradients[i], 2e-3, 2e-2);
        }
    }

    /// The sum of the divergences, and its gradients.
    ///
    /// @param moved number of a trained value to which `step` is added
    private static float[] gradients(
            DecoderConfig config, TokenForest forest, int moved, double step) {
        try (Decoder student = TinyModels.decoder(config);
                Decoder other = teacher(config);
                Policy policy = Outcome.lora(student, Outcome.allLinear(0), Outcome.DEFAULT);
                var teacher = new TeacherPass(other, Adapter.OFF, forest)) {
            Tensor value = policy.parameters().values().narrow(0, moved, 1);
            value.copyInPlace(value.add(step));
            policy.parameters().valuesChanged();
            var request = HeadRequest.of(HeadTerm.of(Divergence.of(0.5), teacher), TEMPERATURE);
            try (Evaluation e = policy.evaluate(forest, request)) {
                float[] values = e.measurement().statistic(HeadStatistic.DIVERGENCE);
                float[] ones = new float[values.length];
                Arrays.fill(ones, 1);
                e.backward(new float[values.length], Map.of(HeadStatistic.DIVERGENCE, ones));
                float[] g = policy.parameters().gradients().toFloats();
                float[] all = new float[g.length + 1];
                for (float v : values) {
                    all[0] += v;
                }
                System.arraycopy(g, 0, all, 1, g.length);
                return all;
            }
        }
    }

    @Test
    void aTeacherThatIsTheStudentTeachesNothing() {
        DecoderConfig config = TinyModels.llama();
        onEngine(
                () -> {
                    TokenForest forest = forest(config, 5);
                    try (Decoder decoder = TinyModels.decoder(config);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT);
                            var teacher = new TeacherPass(decoder, Adapter.OFF, forest)) {
                        assertEquals(forest.targetCount(), teacher.targets());
                        for (Divergence divergence : DIVERGENCES) {
                            policy.parameters().gradients().zeroInPlace();
                            var request = HeadRequest.of(HeadTerm.of(divergence, teacher), 1);
                            try (Evaluation e = policy.evaluate(forest, request)) {
                                float[] values =
                                        e.measurement().statistic(HeadStatistic.DIVERGENCE);
                                assertClose("values", new float[values.length], values, 1e-6, 0);
                                float[] ones = new float[values.length];
                                Arrays.fill(ones, 1);
                                e.backward(
                                        new float[values.length],
                                        Map.of(HeadStatistic.DIVERGENCE, ones));
                            }
                            for (float g : policy.parameters().gradients().toFloats()) {
                                assertTrue(Math.abs(g) < 1e-5, divergence + ": " + g);
                            }
                        }
                    }
                });
    }
}
