package org.attune.examples.quickstart;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/// Tensors of a model that has learned nothing: random numbers and constants, in float32.
final class FreshTensors {
    private final List<Source> sources = new ArrayList<>();
    private final DoubleSupplier normal;

    /// @param random drawn from when the file is written, in the order of its tensors
    FreshTensors(UniformRandomProvider random) {
        normal = ZigguratSampler.NormalizedGaussian.of(random)::sample;
    }

    /// Adds a tensor of normal draws.
    void normal(String name, double deviation, long... shape) {
        add(name, () -> deviation * normal.getAsDouble(), shape);
    }

    /// Adds a tensor of one value.
    void constant(String name, double value, long... shape) {
        add(name, () -> value, shape);
    }

    /// Adds a norm's weights and, unless it is one without, its biases.
    void norm(String path, boolean bias, long width) {
        constant(path + ".weight", 1, width);
        if (bias) {
            constant(path + ".bias", 0, width);
        }
    }

    /// Adds a Llama-shaped block without biases.
    ///
    /// @param path of the block, with a dot behind it
    /// @param keys width of all key heads
    /// @param inner width of the feed-forward part
    void llamaBlock(String path, double deviation, int width, int keys, int inner) {
        normal(path + "self_attn.q_proj.weight", deviation, width, width);
        normal(path + "self_attn.k_proj.weight", deviation, keys, width);
        normal(path + "self_attn.v_proj.weight", deviation, keys, width);
        normal(path + "self_attn.o_proj.weight", deviation, width, width);
        normal(path + "mlp.gate_proj.weight", deviation, inner, width);
        normal(path + "mlp.up_proj.weight", deviation, inner, width);
        normal(path + "mlp.down_proj.weight", deviation, width, inner);
        norm(path + "input_layernorm", false, width);
        norm(path + "post_attention_layernorm", false, width);
    }

    void write(Path file) throws IOException {
        SafeTensorsWriter.write(file, sources);
    }

    private void add(String name, DoubleSupplier value, long... shape) {
        sources.add(
                new Source(
                        name,
                        DType.FLOAT32,
                        shape,
                        arena -> {
                            long count = 1;
                            for (long length : shape) {
                                count *= length;
                            }
                            MemorySegment data = arena.allocate(ValueLayout.JAVA_FLOAT, count);
                            for (long i = 0; i < count; i++) {
                                float number = (float) value.getAsDouble();
                                data.setAtIndex(ValueLayout.JAVA_FLOAT, i, number);
                            }
                            return data;
                        }));
    }
}
