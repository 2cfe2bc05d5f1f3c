package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.model.config.Activation;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockOrder;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.FeedForwardConfig;
import org.attune.model.config.TensorNames;
import org.attune.model.source.GgufWeights.Made;
import org.attune.model.source.GgufWeights.Rows;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Finds of which tensors of a GGUF file each weight of a model is made. llama.cpp has the same
/// names for all architectures, so the names of a family's weights say it all.
final class GgufRecipes {
    private final GgufTable table;
    private final GgufRules rules;
    private final DecoderConfig config;
    private final TensorNames names;

    GgufRecipes(GgufTable table, DecoderConfig config) {
        this.table = table;
        this.rules = new GgufRules(table, config);
        this.config = config;
        this.names = config.names();
    }

    /// Every weight by its name in the family's own files.
    Map<String, Made> all() {
        rules.module(names.embeddingPath(), "token_embd");
        config.positionsPath().ifPresent(path -> rules.module(path, "position_embd"));
        rules.norm(
                names.finalNormPath(),
                table.chooses("output_norm.weight") ? "output_norm" : "token_embd_norm");
        rules.module(names.head(), "output");
        GgufVariedRecipes varied = new GgufVariedRecipes(rules, config);
        varied.trunk();
        for (int layer = 0; layer < config.layers(); layer++) {
            block(names.block(layer), "blk." + layer + ".", layer);
            varied.block(names.block(layer), "blk." + layer + ".", layer);
        }
        refuseOthers();
        return rules.made();
    }

    private void refuseOthers() {
        for (String name : table.names()) {
            if (!rules.uses(name) && !isFurther(name)) {
                throw new ModelException(
                        ("%s holds the tensor \"%s\", with which a %s model of %d layers computes"
                                        + " nothing here; the model isn't supported")
                                .formatted(
                                        table.where(), name, config.modelType(), config.layers()));
            }
        }
    }

    /// Blocks behind the last one predict tokens further ahead.
    private boolean isFurther(String name) {
        String[] parts = name.split("\\.", 3);
        return parts[0].equals("blk")
                && parts.length == 3
                && parts[1].matches("\\d{1,6}")
                && Integer.parseInt(parts[1]) >= config.layers()
                && table.has("blk." + parts[1] + ".nextn.eh_proj.weight");
    }

    private void block(String path, String own, int layer) {
        norms(path, own);
        var parts = config.parts(layer);
        if (parts.attention()) {
            if (config.attention().latent().isPresent()) {
                latent(path, own, config.attention().latent().get());
            } else {
                attention(path, own, layer);
            }
        }
        if (parts.state()) {
            new GgufStates(rules, config).put(path, own);
        }
        if (parts.feedForward()) {
            FeedForwardConfig f = config.block().feedForward();
            f.experts(layer).ifPresent(e -> experts(path, own, e));
            if (f.isDense(layer)) {
                dense(path, own, layer);
            }
        }
    }

    /// Norms stand in the order in which they are computed.
    private void norms(String path, String own) {
        BlockOrder order = config.block().order();
        boolean usual = table.chooses(own + "ffn_norm.weight") || table.chooses(own + "ffn_norm");
        String inner = usual ? "ffn_norm" : "post_attention_norm";
        List<String> all =
                order.normsBefore() && order.normsAfter()
                        ? List.of("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
                        : order.normsAfter()
                                ? List.of("post_attention_norm", "post_ffw_norm")
                                : List.of("attn_norm", inner);
        for (int i = 0; i < names.norms().size(); i++) {
            rules.norm(path + names.norms().get(i), own + all.get(i));
        }
    }

    private void attention(String path, String own, int layer) {
        AttentionConfig a = config.attention();
        AttentionConfig.Sizes sizes = a.sizes(layer);
        if (names.qkv().size() == 1) {
            joined(path, own, a);
        } else if (table.chooses(own + "attn_qkv.weight")) {
            long queries = (long) a.projectedQueries() / a.headDim() * sizes.headDim();
            long keys = (long) sizes.kvHeads() * sizes.headDim();
            rules.split(path + names.qkv().get(0), own + "attn_qkv", 0, queries);
            rules.split(path + names.qkv().get(1), own + "attn_qkv", queries, keys);
            rules.split(path + names.qkv().get(2), own + "attn_qkv", queries + keys, keys);
        } else {
            rules.module(path + names.qkv().get(0), own + "attn_q");
            if (a.source(layer) == layer) {
                rules.module(path + names.qkv().get(1), own + "attn_k");
                rules.module(path + names.qkv().get(2), own + "attn_v");
            }
        }
        rules.module(path + names.output(), own + "attn_output");
        if (!names.qkNorms().isEmpty()) {
            rules.norm(path + names.qkNorms().get(0), own + "attn_q_norm");
            if (a.source(layer) == layer) {
                rules.norm(path + names.qkNorms().get(1), own + "attn_k_norm");
            }
        }
        if (!names.innerNorms().isEmpty()) {
            rules.norm(path + names.innerNorms().get(0), own + "attn_sub_norm");
        }
        if (a.sinks()) {
            rules.same(path + "self_attn.sinks", own + "attn_sinks.weight");
        }
    }

    /// Queries, keys and values in one matrix, in families that have them so.
    private void joined(String path, String own, AttentionConfig a) {
        String one = path + names.qkv().getFirst();
        if (!names.qkvByHead()) {
            rules.module(one, own + "attn_qkv");
            return;
        }
        long size = a.headDim();
        long all = a.heads() * size;
        for (String end : List.of(".weight", ".bias")) {
            String tensor = own + "attn_qkv" + end;
            if (!rules.fits(tensor, 3 * all)) {
                continue; // the loader names the missing weight
            }
            List<Rows> parts = new ArrayList<>();
            for (long head = 0; head < a.heads(); head++) {
                for (long which = 0; which < 3; which++) {
                    parts.add(new Rows(tensor, which * all + head * size, size));
                }
            }
            rules.rows(one + end, parts);
        }
    }

    private void latent(String path, String own, AttentionConfig.Latent sizes) {
        String attention = path + "self_attn.";
        rules.module(attention + "q_a_proj", own + "attn_q_a");
        rules.plainNorm(attention + "q_a_layernorm", own + "attn_q_a_norm");
        rules.module(attention + "q_b_proj", own + "attn_q_b");
        rules.module(attention + "q_proj", own + "attn_q");
        rules.module(attention + "kv_a_proj_with_mqa", own + "attn_kv_a_mqa");
        rules.plainNorm(attention + "kv_a_layernorm", own + "attn_kv_a_norm");
        rules.module(attention + "o_proj", own + "attn_output");
        if (table.chooses(own + "attn_kv_b.weight")) {
            rules.module(attention + "kv_b_proj", own + "attn_kv_b");
            return;
        }
        int heads = config.heads();
        int rank = sizes.rank();
        long rows = (long) heads * (sizes.still() + sizes.valueDim());
        rules.computed(
                attention + "kv_b_proj.weight",
                List.of(own + "attn_k_b.weight", own + "attn_v_b.weight"),
                new long[][] {{heads, rank, sizes.still()}, {heads, sizes.valueDim(), rank}},
                new long[] {rows, rank},
                both -> keysAndValues(both, heads, rank),
                one -> apart(one[0], heads, rank, sizes));
    }

    /// The reverse of [#keysAndValues].
    private static float[][] apart(float[] one, int heads, int rank, AttentionConfig.Latent sizes) {
        int still = sizes.still();
        float[] keys = new float[heads * rank * still];
        float[] values = new float[heads * sizes.valueDim() * rank];
        int at = 0;
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < still; row++) {
                for (int column = 0; column < rank; column++) {
                    keys[(head * rank + column) * still + row] = one[at++];
                }
            }
            int count = sizes.valueDim() * rank;
            System.arraycopy(one, at, values, head * count, count);
            at += count;
        }
        return new float[][] {keys, values};
    }

    /// Puts each head's part of the keys, transposed, before its part of the values.
    ///
    /// @param both keys `(heads, rank, still)` and values `(heads, valueDim, rank)`
    private static float[][] keysAndValues(float[][] both, int heads, int rank) {
        int still = both[0].length / heads / rank;
        int values = both[1].length / heads;
        float[] result = new float[both[0].length + both[1].length];
        int at = 0;
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < still; row++) {
                for (int column = 0; column < rank; column++) {
                    result[at++] = both[0][(head * rank + column) * still + row];
                }
            }
            System.arraycopy(both[1], head * values, result, at, values);
            at += values;
        }
        return new float[][] {result};
    }

    private void dense(String path, String own, int layer) {
        into(path, names.up(), own, "", config.block().feedForward().gated());
        rules.module(path + names.down(), own + "ffn_down");
        if (config.activation() == Activation.XIELU) {
            learntActivation(path + names.activation() + ".", layer);
        }
        if (!names.innerNorms().isEmpty()) {
            rules.norm(path + names.innerNorms().get(1), own + "ffn_sub_norm");
        }
    }

    /// Numbers of an activation that learns, of which metadata have one for each layer.
    private void learntActivation(String path, int layer) {
        for (String name : List.of("alpha_p", "alpha_n", "beta", "eps")) {
            List<Float> all = table.floats("xielu." + name).orElse(List.of());
            if (layer < all.size()) { // else the loader names the missing weight
                long[] shape = name.startsWith("alpha") ? new long[] {1} : new long[0];
                rules.said(path + name, all.get(layer), shape);
            }
        }
    }

    /// Projections into a feed-forward part, the gate first, of which files may have one of both.
    ///
    /// @param end of the names in the file
    private void into(String path, List<String> up, String own, String end, boolean gated) {
        String gateName = own + "ffn_gate" + end;
        String upName = own + "ffn_up" + end;
        boolean apart = table.chooses(gateName + ".weight");
        if (up.size() == 1 && gated && apart) {
            for (String kind : List.of(".weight", ".bias")) {
                long[] fused = table.weight(path + up.getFirst() + kind);
                if (fused.length > 0) {
                    long half = fused[0] / 2;
                    var gate = new Rows(gateName + kind, 0, half);
                    var second = new Rows(upName + kind, 0, half);
                    rules.rows(path + up.getFirst() + kind, List.of(gate, second));
                } else if (rules.has(gateName + kind)) {
                    rules.rows(
                            path + up.getFirst() + kind,
                            List.of(rules.whole(gateName + kind), rules.whole(upName + kind)));
                }
            }
        } else if (up.size() == 1) {
            rules.module(path + up.getFirst(), upName);
        } else if (apart) {
            rules.module(path + up.get(0), gateName);
            rules.module(path + up.get(1), upName);
        } else if (rules.has(upName + ".weight")) {
            long half = rules.whole(upName + ".weight").count() / 2;
            rules.split(path + up.get(0), upName, 0, half);
            rules.split(path + up.get(1), upName, half, half);
        }
    }

    private void experts(String path, String own, ExpertsConfig e) {
        TensorNames.Experts n = names.experts().orElseThrow();
        rules.module(path + n.router(), own + "ffn_gate_inp");
        if (!n.correction().isEmpty()) {
            rules.same(path + n.correction(), own + "exp_probs_b.bias");
        }
        long[] stack = rules.shape(own + "ffn_down_exps.weight");
        boolean all = table.plans() || stack.length == 3 && stack[0] == e.count();
        for (int i = 0; all && i < e.count(); i++) {
            String expert = path + n.list() + "." + i + ".";
            boolean fused = table.chooses(own + "ffn_gate_up_exps.weight");
            for (int part = 0; part < n.up().size(); part++) {
                String kind = part == n.up().size() - 1 ? "up" : "gate";
                String tensor = own + (fused ? "ffn_gate_up_exps" : "ffn_" + kind + "_exps");
                int parts = fused ? 2 : 1;
                rules.ofStack(
                        expert + n.up().get(part), tensor, e.count(), i, fused ? part : 0, parts);
            }
            rules.ofStack(expert + n.down(), own + "ffn_down_exps", e.count(), i, 0, 1);
        }
        n.shared()
                .filter(_ -> e.shared() > 0)
                .ifPresent(
                        s -> {
                            boolean gated = config.block().feedForward().gated();
                            into(path + s.path() + ".", s.up(), own, "_shexp", gated);
                            rules.module(path + s.path() + "." + s.down(), own + "ffn_down_shexp");
                            if (n.hasSharedGate()) {
                                rules.shaped(
                                        path + s.gate() + ".weight",
                                        own + "ffn_gate_inp_shexp.weight",
                                        new long[] {1, config.hiddenSize()},
                                        1,
                                        config.hiddenSize());
                            }
                        });
    }
}
