package org.attune.model.source;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The tensors of a causal language model with a new score head beside them. The head is drawn as
/// transformers draws it, from a normal distribution of mean 0, its bias 0; only its random numbers
/// are others.
public final class FreshScore implements TensorFile {
    private static final String NAME = TensorNames.SCORE + ".weight";
    private static final String BIAS = TensorNames.SCORE + ".bias";

    private final TensorFile model;
    private final Map<String, Entry> entries;
    private final float[] values;
    private final float[] zeros;

    /// @param model the other tensors; borrowed, not closed
    /// @param config of the result, with its labels
    /// @param deviation standard deviation, the model's `initializer_range`
    /// @param random source of the values
    public FreshScore(
            TensorFile model,
            DecoderConfig config,
            double deviation,
            UniformRandomProvider random) {
        this.model = model;
        entries = new LinkedHashMap<>(model.entries());
        long[] shape = {config.labels(), config.hiddenSize()};
        entries.put(NAME, new Entry(NAME, DType.FLOAT32, shape));
        if (config.scoreKind().hasBias()) {
            long[] biasShape = {config.labels()};
            entries.put(BIAS, new Entry(BIAS, DType.FLOAT32, biasShape));
        }
        zeros = new float[config.labels()];
        values = new float[config.labels() * config.hiddenSize()];
        var normal = ZigguratSampler.NormalizedGaussian.of(random);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * normal.sample());
        }
    }

    @Override
    public Map<String, Entry> entries() {
        return entries;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        return switch (name) {
            case NAME -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
            case BIAS -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, zeros);
            default -> model.read(name, arena);
        };
    }

    @Override
    public Optional<FewBits> bits(String name) {
        return model.bits(name);
    }

    @Override
    public void close() {}
}
