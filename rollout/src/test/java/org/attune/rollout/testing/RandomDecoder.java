package org.attune.rollout.testing;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.files.TensorFile;
import org.attune.model.config.Activation;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.RopeConfig;
import org.attune.model.config.SpecialIds;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.testing.Devices;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// A small decoder of random weights with everything that a cache can get wrong: grouped queries,
/// norms of queries and keys, biases, and a window in one layer of two.
public final class RandomDecoder implements TensorFile {
    public static final int VOCABULARY = 40;
    private static final int WIDTH = 24;
    private static final int INNER = 32;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int HEAD_SIZE = 8;

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final UniformRandomProvider random;

    private RandomDecoder(long seed) {
        random = RandomSource.XO_SHI_RO_256_PP.create(seed);
        add("model.embed_tokens.weight", VOCABULARY, WIDTH);
        for (int i = 0; i < 2; i++) {
            String layer = "model.layers." + i + ".";
            add(layer + "input_layernorm.weight", WIDTH);
            add(layer + "post_attention_layernorm.weight", WIDTH);
            add(layer + "self_attn.q_norm.weight", HEAD_SIZE);
            add(layer + "self_attn.k_norm.weight", HEAD_SIZE);
            for (String name : new String[] {"q", "k", "v"}) {
                int out = (name.equals("q") ? HEADS : KV_HEADS) * HEAD_SIZE;
                add(layer + "self_attn." + name + "_proj.weight", out, WIDTH);
                add(layer + "self_attn." + name + "_proj.bias", out);
            }
            add(layer + "self_attn.o_proj.weight", WIDTH, HEADS * HEAD_SIZE);
            add(layer + "mlp.gate_proj.weight", INNER, WIDTH);
            add(layer + "mlp.up_proj.weight", INNER, WIDTH);
            add(layer + "mlp.down_proj.weight", WIDTH, INNER);
        }
        add("model.norm.weight", WIDTH);
    }

    /// On the engine thread; the caller closes it.
    public static Decoder load() {
        return load(5);
    }

    /// As above, with weights that follow from a seed.
    public static Decoder load(long seed) {
        var attention =
                new AttentionConfig(HEADS, KV_HEADS, HEAD_SIZE, true, false, true, List.of(5, 0));
        var config =
                new DecoderConfig(
                        "qwen3",
                        WIDTH,
                        INNER,
                        VOCABULARY,
                        2,
                        attention,
                        false,
                        Activation.SILU,
                        1e-6,
                        true,
                        RopeConfig.of(100),
                        64,
                        DType.FLOAT32,
                        new SpecialIds(OptionalInt.empty(), List.of(), OptionalInt.empty()));
        return Decoder.load(config, new RandomDecoder(seed), Devices.usual(), DType.FLOAT32);
    }

    private void add(String name, long... shape) {
        entries.put(name, new Entry(name, DType.FLOAT32, shape));
    }

    @Override
    public Map<String, Entry> entries() {
        return entries;
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        int count = Math.toIntExact(entries.get(name).count());
        MemorySegment data = arena.allocate(ValueLayout.JAVA_FLOAT, count);
        for (int i = 0; i < count; i++) {
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, 2 * random.nextFloat() - 1);
        }
        return data;
    }

    @Override
    public void close() {
        // Nothing is open.
    }
}
