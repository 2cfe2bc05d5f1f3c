package org.attune.policy;

import org.attune.adapter.LoraConfig;
import org.attune.files.JsonFields;
import org.attune.model.config.ConfigJson;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/// Times a step of LoRA and a generated token of a model with linear attention beside Llama's
/// shape, in turn. A program, not a test. Its arguments are rounds, tokens of a text, the beginning
/// of a model's name, and anything to see its operators.
final class StateSpeed {
    private static final int TOKENS = 1024;
    private static final int SEQUENCES = 8;
    private static final int GENERATED = 32;
    private static final int RANK = 16;

    private static final String SHAPE =
            "\"vocab_size\":2048,\"hidden_size\":640,\"num_hidden_layers\":6,"
                    + "\"intermediate_size\":1792,\"num_attention_heads\":10,\"head_dim\":64,"
                    + "\"tie_word_embeddings\":true,\"pad_token_id\":null,"
                    + "\"max_position_embeddings\":4096";

    private StateSpeed() {}

    private static DecoderConfig read(String type, String more) {
        String text = "{\"model_type\":\"%s\",%s%s}".formatted(type, SHAPE, more);
        return ConfigJson.parse(JsonFields.parse(type, text));
    }

    private static DecoderConfig qwen(int heads, int size) {
        return read(
                "qwen3_5_text",
                (",\"num_key_value_heads\":2,\"full_attention_interval\":4,"
                                + "\"linear_num_key_heads\":%1$d,\"linear_num_value_heads\":%1$d,"
                                + "\"linear_key_head_dim\":%2$d,\"linear_value_head_dim\":%2$d,"
                                + "\"linear_conv_kernel_dim\":4")
                        .formatted(heads, size));
    }

    /// @param trained its steps are timed
    /// @param packed its tokens are timed
    private record Model(
            String name, Decoder trained, Decoder packed, double[] step, double[] token) {}

    public static void main(String[] arguments) {
        int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 7;
        int length = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 256;
        String only = arguments.length > 2 ? arguments[2] : "";
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("speed")) {
                        List<Model> models =
                                List.of(
                                                model("llama", read("llama", "")),
                                                model("qwen3.5 16 x 48", qwen(16, 48)),
                                                model("qwen3.5 16 x 32", qwen(16, 32)))
                                        .stream()
                                        .filter(m -> m.name().startsWith(only))
                                        .toList();
                        for (int i = 0; i < rounds + 2; i++) {
                            for (Model model : models) {
                                double[] step = step(model.trained(), length);
                                double[] token = tokens(model.packed());
                                if (i >= 2) {
                                    least(model.step(), step);
                                    least(model.token(), token);
                                }
                            }
                        }
                        if (arguments.length > 3) {
                            models.forEach(m -> operators(m, length));
                        }
                        for (Model m : models) {
                            System.out.printf(
                                    Locale.ROOT,
                                    "%-16s step %7.1f ms (cpu %7.1f)  token of %d %6.2f ms (cpu"
                                            + " %6.2f)%n",
                                    m.name(),
                                    m.step()[0],
                                    m.step()[1],
                                    SEQUENCES,
                                    m.token()[0],
                                    m.token()[1]);
                        }
                    }
                });
    }

    /// What takes the time of a step, and of tokens.
    private static void operators(Model model, int length) {
        OperatorTimes.start();
        OperatorTimes.phase("step");
        step(model.trained(), length);
        OperatorTimes.phase("token");
        tokens(model.packed());
        OperatorTimes.stop().stream()
                .filter(line -> line.seconds() > 2e-3)
                .forEach(line -> System.out.println(model.name() + " " + line));
    }

    private static Model model(String name, DecoderConfig config) {
        Decoder trained = TinyModels.decoder(config, DType.BFLOAT16);
        Decoder packed = TinyModels.decoder(config, DType.BFLOAT16);
        packed.packDecoding();
        return new Model(name, trained, packed, new double[] {1e9, 1e9}, new double[] {1e9, 1e9});
    }

    private static void least(double[] best, double[] now) {
        for (int i = 0; i < best.length; i++) {
            best[i] = Math.min(best[i], now[i]);
        }
    }

    private static double cpu() {
        return ((com.sun.management.OperatingSystemMXBean)
                                ManagementFactory.getOperatingSystemMXBean())
                        .getProcessCpuTime()
                / 1e6;
    }

    private static double[] step(Decoder decoder, int length) {
        LoraConfig config = Outcome.allLinear(RANK, 0);
        var options = new Policy.Options(Recomputation.NONE, false, 5, false);
        var tree = new Tree();
        int count = TOKENS / length;
        int[] roots =
                IntStream.range(0, count)
                        .map(i -> tree.root(TinyModels.tokens("s" + i, decoder.config(), length)))
                        .toArray();
        try (var _ = TensorScope.open("step");
                Policy policy = Outcome.lora(decoder, config, options)) {
            List<Tree.Piece> pieces = List.of(tree.shared(roots));
            policy.startStep(1);
            double[] best = {1e9, 1e9};
            for (int i = 0; i < 2; i++) {
                double cpu = cpu();
                long begun = System.nanoTime();
                Outcome.of(policy, pieces);
                least(best, new double[] {(System.nanoTime() - begun) / 1e6, cpu() - cpu});
            }
            return best;
        }
    }

    private static double[] tokens(Decoder decoder) {
        try (var _ = TensorScope.open("decode");
                var cache = new KvCache(decoder, SEQUENCES, 128)) {
            var cached = new CachedDecoder(decoder, Adapter.OFF);
            int[] prompt = TinyModels.tokens("p", decoder.config(), 16);
            for (int s = 0; s < SEQUENCES; s++) {
                cached.prefill(cache, s, prompt);
            }
            int[] ids = Arrays.copyOf(prompt, SEQUENCES);
            double[] best = {1e9, 1e9};
            for (int half = 0; half < 2; half++) {
                double cpu = cpu();
                long begun = System.nanoTime();
                for (int i = 0; i < GENERATED; i++) {
                    try (var _ = TensorScope.open("token")) {
                        cached.decode(cache, ids);
                    }
                }
                least(
                        best,
                        new double[] {
                            (System.nanoTime() - begun) / 1e6 / GENERATED, (cpu() - cpu) / GENERATED
                        });
            }
            return best;
        }
    }
}
