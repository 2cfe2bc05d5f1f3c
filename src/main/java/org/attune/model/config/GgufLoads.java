package org.attune.model.config;

import static org.attune.model.config.GgufLoads.Trait.CONVOLUTION;
import static org.attune.model.config.GgufLoads.Trait.DIVIDED;
import static org.attune.model.config.GgufLoads.Trait.LONG;
import static org.attune.model.config.GgufLoads.Trait.MLP;
import static org.attune.model.config.GgufLoads.Trait.OUTPUT;
import static org.attune.model.config.GgufLoads.Trait.PROJECTION;
import static org.attune.model.config.GgufLoads.Trait.QKV;

import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Which tensors that not all models of an architecture have llama.cpp takes, and which it needs: a
/// file with one too many or too few isn't loaded there.
///
/// @param takes what models may have
/// @param needs what models must have
record GgufLoads(Set<Trait> takes, Set<Trait> needs) {
    /// A property of a model for which its file has further tensors.
    enum Trait {
        QKV("biases of queries, keys and values"),
        OUTPUT("biases of what attention gives (attn_output.bias)"),
        MLP("biases of feed-forward parts (mlp_bias, use_bias)"),
        CONVOLUTION("biases of convolutions (conv_bias, use_conv_bias, mamba_conv_bias)"),
        PROJECTION("biases around the state space (use_bias, mamba_proj_bias, conv_bias)"),
        DIVIDED("divided frequencies of positions (rope_type llama3)"),
        LONG("two lists of divisors of frequencies (rope_type longrope)");

        final String words;

        Trait(String words) {
            this.words = words;
        }
    }

    /// Rows of architectures whose files were loaded with and without these.
    private static final Map<String, GgufLoads> TABLE =
            Map.ofEntries(
                    takes("apertus", QKV, OUTPUT, DIVIDED),
                    takes("arcee", DIVIDED),
                    takes("chatglm", QKV),
                    takes("command-r"),
                    takes("cohere2"),
                    takes("deepseek2"),
                    takes("dots1"),
                    takes("ernie4_5"),
                    takes("ernie4_5-moe"),
                    takes("exaone4", DIVIDED),
                    takes("gemma"),
                    takes("gemma2"),
                    takes("gemma3"),
                    takes("glm4", QKV),
                    takes("glm4moe", QKV),
                    needs("gpt-oss", QKV, OUTPUT),
                    needs("gptneox", QKV, OUTPUT, MLP),
                    takes("granite", QKV, OUTPUT, MLP, DIVIDED),
                    takes("granitehybrid", QKV, OUTPUT, CONVOLUTION, DIVIDED),
                    takes("granitemoe", QKV, OUTPUT, DIVIDED),
                    takes("hunyuan-dense"),
                    takes("hunyuan-moe"),
                    needs("jais2", QKV, OUTPUT, MLP),
                    takes("lfm2"),
                    takes("llama", QKV, OUTPUT, MLP, DIVIDED),
                    takes("llama4", DIVIDED),
                    needs("mamba2", CONVOLUTION),
                    takes("minicpm3", LONG),
                    takes("minimax-m2"),
                    takes("mistral3", DIVIDED),
                    takes("nemotron", QKV, OUTPUT, MLP),
                    takes("olmo2"),
                    takes("olmoe"),
                    needs("phi2", QKV, OUTPUT, MLP),
                    takes("phi3", LONG),
                    needs("qwen2", QKV),
                    takes("qwen2moe", QKV),
                    takes("qwen3"),
                    takes("qwen3moe"),
                    takes("qwen35"),
                    takes("qwen35moe"),
                    takes("qwen3next"),
                    takes("seed_oss", QKV),
                    takes("smollm3"),
                    takes("stablelm", QKV),
                    needs("starcoder2", QKV, OUTPUT, MLP));

    /// Architectures whose files have an output layer even where it is the embedding.
    private static final Set<String> APART =
            Set.of(
                    "apertus",
                    "dots1",
                    "gpt-oss",
                    "gptneox",
                    "minimax-m2",
                    "olmo2",
                    "olmoe",
                    "phi2",
                    "qwen2moe",
                    "stablelm");

    /// Architectures whose files say a window even where no layer has one.
    private static final Set<String> WINDOWED = Set.of("cohere2", "gpt-oss");

    private static Map.Entry<String, GgufLoads> takes(String architecture, Trait... some) {
        return Map.entry(architecture, new GgufLoads(Set.of(some), Set.of()));
    }

    private static Map.Entry<String, GgufLoads> needs(String architecture, Trait... some) {
        return Map.entry(architecture, new GgufLoads(Set.of(some), Set.of(some)));
    }

    /// The row of an architecture, if there is one.
    static Optional<GgufLoads> of(String architecture) {
        return Optional.ofNullable(TABLE.get(architecture));
    }

    /// Whether a file has the embedding a second time, as the output layer.
    static boolean hasOutputLayer(String architecture) {
        return APART.contains(architecture);
    }

    /// Whether a file says a window.
    static boolean saysWindow(String architecture) {
        return WINDOWED.contains(architecture);
    }

    /// What a model has of these.
    static Set<Trait> of(DecoderConfig config) {
        Set<Trait> all = EnumSet.noneOf(Trait.class);
        AttentionConfig a = config.attention();
        add(all, QKV, a.qkvBias());
        add(all, OUTPUT, a.outputBias());
        add(all, MLP, config.mlpBias());
        config.block().mixers().state().ifPresent(state -> add(all, state));
        if (config.rotates()) {
            RopeScaling scaling = config.rope().scaling();
            boolean isDivided =
                    scaling instanceof RopeScaling.Llama3
                            || scaling instanceof RopeScaling.Divisors;
            add(all, DIVIDED, isDivided);
            add(all, LONG, scaling instanceof RopeScaling.LongRope);
        }
        return all;
    }

    private static void add(Set<Trait> all, StateConfig state) {
        if (state instanceof StateConfig.Mamba2 m) {
            add(all, CONVOLUTION, m.convolutionBias());
            add(all, PROJECTION, m.projectionBias());
        } else if (state instanceof StateConfig.ShortConvolution c) {
            add(all, CONVOLUTION, c.bias());
        }
    }

    private static void add(Set<Trait> all, Trait trait, boolean has) {
        if (has) {
            all.add(trait);
        }
    }
}
