package org.attune.rollout;

import org.attune.rollout.sampling.BatchSampler;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.sampling.Sequence;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// The next token of 32 sequences from logits over 49152 tokens.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SamplingBenchmark {
    private static final int SEQUENCES = 32;
    private static final int VOCABULARY = 49_152;

    /// How tokens are chosen.
    public enum Way {
        PLAIN,
        TOP_K,
        TOP_P
    }

    @Param public Way way;

    private TensorScope scope;
    private Tensor logits;
    private List<Sequence> sequences;

    @Setup(Level.Trial)
    public void allocate() {
        Distribution plain = Distribution.plain();
        Distribution distribution =
                switch (way) {
                    case PLAIN -> plain;
                    case TOP_K -> plain.withTopK(50);
                    case TOP_P -> plain.withTopP(0.9);
                };
        var config = SamplingConfig.of(distribution, 8, Set.of(), 1);
        sequences = new ArrayList<>();
        for (int i = 0; i < SEQUENCES; i++) {
            sequences.add(
                    new Sequence(
                            i, new int[] {1}, 9, config, Optional.empty(), TokenConstraint.NONE));
        }
        var random = TinyModels.random("logits");
        float[] values = new float[SEQUENCES * VOCABULARY];
        for (int i = 0; i < values.length; i++) {
            values[i] = 12 * random.nextFloat();
        }
        Engine.run(
                () -> {
                    scope = TensorScope.detached("benchmark");
                    try (var _ = scope.enter()) {
                        logits = Tensor.of(Device.cpu(), values, SEQUENCES, VOCABULARY);
                    }
                });
    }

    @TearDown(Level.Trial)
    public void free() {
        Engine.run(scope::close);
    }

    /// With a copy of the logits, since sampling changes them.
    @Benchmark
    public Object sample() {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("call")) {
                        return BatchSampler.sample(logits.copy(), sequences);
                    }
                });
    }
}
