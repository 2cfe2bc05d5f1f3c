package org.attune.policy;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.util.concurrent.TimeUnit;

/// Log-probabilities of 512 targets from hidden states, without and with their gradient, in the
/// run's fastest dtype at SmolLM2-135M's width.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@org.openjdk.jmh.annotations.Measurement(iterations = 3, time = 2)
@Fork(1)
public class HeadBenchmark {
    private static final int ROWS = 513;

    @Param({"49152", "262144"})
    public int vocabulary;

    private TensorScope scope;
    private Decoder decoder;
    private TokenForest forest;
    private Tensor hidden;

    @Setup(Level.Trial)
    public void load() {
        var config = TinyModels.smol(1, vocabulary);
        var builder = TokenForest.builder();
        int root = builder.root(TinyModels.tokens("benchmark", config, ROWS));
        for (int i = 1; i < ROWS; i++) {
            builder.target(root, i);
        }
        forest = builder.build();
        Engine.run(
                () -> {
                    DType dtype = Engine.fastestDtype(Device.cpu());
                    decoder = TinyModels.decoder(config, dtype);
                    scope = TensorScope.detached("benchmark");
                    try (var _ = scope.enter()) {
                        hidden = Tensor.full(Device.cpu(), dtype, 0.1, ROWS, config.hiddenSize());
                    }
                });
    }

    @TearDown(Level.Trial)
    public void free() {
        Engine.run(scope::close);
        Engine.run(decoder::close);
    }

    private Measurement head(OutputHead.Use use) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("call");
                            var head = Head.of(decoder, hidden, forest, HeadRequest.of(), use)) {
                        return head.measurement();
                    }
                });
    }

    @Benchmark
    public Measurement logProbs() {
        return head(OutputHead.Use.measuring(Adapter.OFF));
    }

    @Benchmark
    public Measurement logProbsWithGradient() {
        return head(new OutputHead.Use(Adapter.OFF, Dropout.NONE, true));
    }
}
