package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// The estimate of a teacher's memory against the tensors that it keeps.
class TeacherMemoryTest {
    private static final int TOKENS = 300;

    private static TokenForest forest(DecoderConfig config) {
        var builder = TokenForest.builder();
        for (int i = 0; i < 10; i++) {
            int root = builder.root(TinyModels.tokens("row " + i, config, TOKENS / 10));
            for (int t = 1; t < TOKENS / 10; t++) {
                builder.target(root, t);
            }
        }
        return builder.build();
    }

    /// What stands between the teacher's pass and the student's, and what a chunk adds to it at
    /// most, are a good part of the estimate and not more than it.
    @Test
    void whatTheTeacherKeepsIsEstimated() {
        DecoderConfig config = TinyModels.smol(2, 512);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(config)) {
                        TokenForest forest = forest(config);
                        int targets = forest.targetCount();
                        var memory = TeacherMemory.of(decoder);
                        long before = TensorScope.liveBytes();
                        try (var teacher = new TeacherPass(decoder, Adapter.OFF, forest)) {
                            long states = TensorScope.liveBytes() - before;
                            for (double beta : new double[] {0, 0.1, 0.5, 1}) {
                                var term = HeadTerm.of(Divergence.of(beta), teacher);
                                long most = states + chunk(term, config, targets);
                                String what = most + " of " + memory.kept(targets);
                                assertTrue(most <= 1.01 * memory.kept(targets), what);
                                assertTrue(most > 0.5 * memory.kept(targets), what);
                            }
                        }
                    }
                });
    }

    /// What a chunk of spans takes, with tokens that both vocabularies have and without.
    @Test
    void whatSpansTakeIsEstimated() {
        DecoderConfig config = TinyModels.smol(2, 512);
        int[] both = IntStream.range(0, config.vocabSize() / 2).toArray();
        var matched = new HeadTerm.Matched(both, both, Divergence.of(0.5), 1, 1);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var decoder = TinyModels.decoder(config)) {
                        TokenForest forest = forest(config);
                        int targets = forest.targetCount();
                        long kept = TeacherMemory.ofSpans(decoder).kept(targets);
                        int[] ends = IntStream.range(0, targets).toArray();
                        var read = new HeadTerm.Read(0, new int[targets], ends);
                        var spans = List.of(HeadTerm.Aligned.byText(read, read));
                        try (var teacher = new TeacherPass(decoder, Adapter.OFF, forest)) {
                            for (var same :
                                    List.of(
                                            Optional.of(matched),
                                            Optional.<HeadTerm.Matched>empty())) {
                                var rule = new HeadTerm.SpanRule(true, 1, 1, same);
                                HeadTerm term = HeadTerm.of(rule, spans, teacher);
                                long most = chunk(term, config, targets);
                                String what = most + " of " + kept + " with " + same;
                                assertTrue(most <= kept, what);
                                assertTrue(most > 0.4 * kept, what);
                            }
                        }
                    }
                });
    }

    /// The most that the divergences of all targets, or their gradients, take for a while.
    private static long chunk(HeadTerm term, DecoderConfig config, int targets) {
        try (var _ = TensorScope.open("chunk")) {
            Tensor z = Tensor.zeros(Devices.usual(), DType.FLOAT32, targets, config.vocabSize());
            long before = TensorScope.liveBytes();
            TensorScope.resetPeak();
            term.values(z, 0, 1);
            term.slopes(z, 0, 1);
            return TensorScope.peakBytes() - before;
        }
    }
}
