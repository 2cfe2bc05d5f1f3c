package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.gguf.GgufFile;
import org.attune.model.config.Activation;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockOrder;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.FeedForwardConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.TensorNames;
import org.attune.model.source.GgufWeights.Made;
import org.attune.model.source.GgufWeights.Recipe;
import org.attune.model.source.GgufWeights.Rows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Finds of which tensors of a GGUF file each weight of a model is made. llama.cpp has the same
/// names for all architectures, so the names of a family's weights say it all.
final class GgufRecipes {
    /// Tensors that the configuration is made of.
    private static final Set<String> POSITIONS =
            Set.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight");

    private final GgufFile file;
    private final DecoderConfig config;
    private final TensorNames names;
    private final Map<String, Made> made = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>(POSITIONS);

    GgufRecipes(GgufFile file, DecoderConfig config) {
        this.file = file;
        this.config = config;
        this.names = config.names();
    }

    /// Every weight by its name in the family's own files.
    Map<String, Made> all() {
        module(names.embeddingPath(), "token_embd");
        config.positionsPath().ifPresent(path -> module(path, "position_embd"));
        norm(names.finalNormPath(), has("output_norm.weight") ? "output_norm" : "token_embd_norm");
        module(names.head(), "output");
        for (int layer = 0; layer < config.layers(); layer++) {
            block(names.block(layer), "blk." + layer + ".", layer);
        }
        refuseOthers();
        return made;
    }

    private void refuseOthers() {
        for (String name : file.entries().keySet()) {
            if (!used.contains(name) && !isFurther(name)) {
                throw new ModelException(
                        ("%s holds the tensor \"%s\", with which a %s model of %d layers computes"
                                        + " nothing here; the model isn't supported")
                                .formatted(file.path(), name, config.modelType(), config.layers()));
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
                && has("blk." + parts[1] + ".nextn.eh_proj.weight");
    }

    private void block(String path, String own, int layer) {
        norms(path, own);
        var parts = config.parts(layer);
        if (parts.attention()) {
            if (config.attention().latent().isPresent()) {
                latent(path, own, config.attention().latent().get());
            } else {
                attention(path, own);
            }
        }
        if (parts.state()) {
            new GgufStates(this, config).put(path, own);
        }
        if (parts.feedForward()) {
            FeedForwardConfig f = config.block().feedForward();
            f.experts(layer)
                    .ifPresentOrElse(e -> experts(path, own, e), () -> dense(path, own, layer));
        }
    }

    /// Norms stand in the order in which they are computed.
    private void norms(String path, String own) {
        BlockOrder order = config.block().order();
        boolean usual = has(own + "ffn_norm.weight") || has(own + "ffn_norm");
        String inner = usual ? "ffn_norm" : "post_attention_norm";
        List<String> all =
                order.normsBefore() && order.normsAfter()
                        ? List.of("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
                        : order.normsAfter()
                                ? List.of("post_attention_norm", "post_ffw_norm")
                                : List.of("attn_norm", inner);
        for (int i = 0; i < names.norms().size(); i++) {
            norm(path + names.norms().get(i), own + all.get(i));
        }
    }

    private void attention(String path, String own) {
        AttentionConfig a = config.attention();
        if (names.qkv().size() == 1) {
            joined(path, own, a);
        } else if (has(own + "attn_qkv.weight")) {
            long queries = a.projectedQueries();
            long keys = (long) a.kvHeads() * a.headDim();
            split(path + names.qkv().get(0), own + "attn_qkv", 0, queries);
            split(path + names.qkv().get(1), own + "attn_qkv", queries, keys);
            split(path + names.qkv().get(2), own + "attn_qkv", queries + keys, keys);
        } else {
            module(path + names.qkv().get(0), own + "attn_q");
            module(path + names.qkv().get(1), own + "attn_k");
            module(path + names.qkv().get(2), own + "attn_v");
        }
        module(path + names.output(), own + "attn_output");
        if (!names.qkNorms().isEmpty()) {
            norm(path + names.qkNorms().get(0), own + "attn_q_norm");
            norm(path + names.qkNorms().get(1), own + "attn_k_norm");
        }
        if (!names.innerNorms().isEmpty()) {
            norm(path + names.innerNorms().get(0), own + "attn_sub_norm");
        }
        if (a.sinks()) {
            same(path + "self_attn.sinks", own + "attn_sinks.weight");
        }
    }

    /// Queries, keys and values in one matrix, in families that have them so.
    private void joined(String path, String own, AttentionConfig a) {
        String one = path + names.qkv().getFirst();
        if (!names.qkvByHead()) {
            module(one, own + "attn_qkv");
            return;
        }
        long size = a.headDim();
        long all = a.heads() * size;
        for (String end : List.of(".weight", ".bias")) {
            String tensor = own + "attn_qkv" + end;
            if (whole(tensor).count() != 3 * all) {
                continue; // the loader names the missing weight
            }
            List<Rows> parts = new ArrayList<>();
            for (long head = 0; head < a.heads(); head++) {
                for (long which = 0; which < 3; which++) {
                    parts.add(new Rows(tensor, which * all + head * size, size));
                }
            }
            rows(one + end, parts);
        }
    }

    private void latent(String path, String own, AttentionConfig.Latent sizes) {
        String attention = path + "self_attn.";
        module(attention + "q_a_proj", own + "attn_q_a");
        plainNorm(attention + "q_a_layernorm", own + "attn_q_a_norm");
        module(attention + "q_b_proj", own + "attn_q_b");
        module(attention + "q_proj", own + "attn_q");
        module(attention + "kv_a_proj_with_mqa", own + "attn_kv_a_mqa");
        plainNorm(attention + "kv_a_layernorm", own + "attn_kv_a_norm");
        module(attention + "o_proj", own + "attn_output");
        if (has(own + "attn_kv_b.weight")) {
            module(attention + "kv_b_proj", own + "attn_kv_b");
            return;
        }
        int heads = config.heads();
        int rank = sizes.rank();
        long rows = (long) heads * (sizes.still() + sizes.valueDim());
        computed(
                attention + "kv_b_proj.weight",
                List.of(own + "attn_k_b.weight", own + "attn_v_b.weight"),
                new long[][] {{heads, rank, sizes.still()}, {heads, sizes.valueDim(), rank}},
                new long[] {rows, rank},
                both -> keysAndValues(both, heads, rank));
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
        module(path + names.down(), own + "ffn_down");
        if (config.activation() == Activation.XIELU) {
            learntActivation(path + names.activation() + ".", layer);
        }
        if (!names.innerNorms().isEmpty()) {
            norm(path + names.innerNorms().get(1), own + "ffn_sub_norm");
        }
    }

    /// Numbers of an activation that learns, of which metadata have one for each layer.
    private void learntActivation(String path, int layer) {
        for (String name : List.of("alpha_p", "alpha_n", "beta", "eps")) {
            List<Float> all = file.metadata().floats("xielu." + name).orElse(List.of());
            if (layer < all.size()) { // else the loader names the missing weight
                float number = all.get(layer);
                long[] shape = name.startsWith("alpha") ? new long[] {1} : new long[0];
                var rule = new Recipe.Computed(List.of(), _ -> new float[][] {{number}});
                made.put(path + name, new Made(rule, shape));
            }
        }
    }

    /// Projections into a feed-forward part, the gate first, of which files may have one of both.
    ///
    /// @param end of the names in the file
    private void into(String path, List<String> up, String own, String end, boolean gated) {
        String gateName = own + "ffn_gate" + end;
        String upName = own + "ffn_up" + end;
        boolean apart = has(gateName + ".weight");
        if (up.size() == 1 && gated && apart) {
            for (String kind : List.of(".weight", ".bias")) {
                if (has(gateName + kind)) {
                    rows(
                            path + up.getFirst() + kind,
                            List.of(whole(gateName + kind), whole(upName + kind)));
                }
            }
        } else if (up.size() == 1) {
            module(path + up.getFirst(), upName);
        } else if (apart) {
            module(path + up.get(0), gateName);
            module(path + up.get(1), upName);
        } else if (has(upName + ".weight")) {
            long half = whole(upName + ".weight").count() / 2;
            split(path + up.get(0), upName, 0, half);
            split(path + up.get(1), upName, half, half);
        }
    }

    private void experts(String path, String own, ExpertsConfig e) {
        TensorNames.Experts n = names.experts().orElseThrow();
        module(path + n.router(), own + "ffn_gate_inp");
        if (!n.correction().isEmpty()) {
            same(path + n.correction(), own + "exp_probs_b.bias");
        }
        long[] stack = shape(own + "ffn_down_exps.weight");
        boolean all = stack.length == 3 && stack[0] == e.count();
        for (int i = 0; all && i < e.count(); i++) {
            String expert = path + n.list() + "." + i + ".";
            boolean fused = has(own + "ffn_gate_up_exps.weight");
            for (int part = 0; part < n.up().size(); part++) {
                String kind = part == n.up().size() - 1 ? "up" : "gate";
                String tensor = own + (fused ? "ffn_gate_up_exps" : "ffn_" + kind + "_exps");
                int parts = fused ? 2 : 1;
                expert(expert + n.up().get(part), tensor, e.count(), i, fused ? part : 0, parts);
            }
            expert(expert + n.down(), own + "ffn_down_exps", e.count(), i, 0, 1);
        }
        n.shared()
                .filter(_ -> e.shared() > 0)
                .ifPresent(
                        s -> {
                            boolean gated = config.block().feedForward().gated();
                            into(path + s.path() + ".", s.up(), own, "_shexp", gated);
                            module(path + s.path() + "." + s.down(), own + "ffn_down_shexp");
                            if (n.hasSharedGate()) {
                                shaped(
                                        path + s.gate() + ".weight",
                                        own + "ffn_gate_inp_shexp.weight",
                                        1,
                                        config.hiddenSize());
                            }
                        });
    }

    /// One expert's rows of a tensor of all.
    ///
    /// @param part  of the `parts` of each expert that the tensor holds
    private void expert(String path, String tensor, int count, int index, int part, int parts) {
        long[] shape = shape(tensor + ".weight");
        if (shape.length == 3 && shape[0] == count && shape[1] % parts == 0) {
            long rows = shape[1] / parts;
            long first = index * shape[1] + part * rows;
            rows(path + ".weight", List.of(new Rows(tensor + ".weight", first, rows)));
            long[] bias = shape(tensor + ".bias");
            if (parts == 1 && bias.length == 2 && bias[0] == count) {
                used.add(tensor + ".bias");
                made.put(
                        path + ".bias",
                        new Made(
                                new Recipe.Joined(List.of(new Rows(tensor + ".bias", index, 1))),
                                new long[] {bias[1]}));
            }
        }
    }

    boolean has(String tensor) {
        return file.entries().containsKey(tensor);
    }

    private long[] shape(String tensor) {
        TensorFile.Entry entry = file.entries().get(tensor);
        return entry == null ? new long[0] : entry.shape();
    }

    boolean isVector(String tensor) {
        return shape(tensor).length == 1;
    }

    /// Gives a weight that is there another shape of as many numbers.
    void reshape(String name, long... shape) {
        made.computeIfPresent(name, (_, m) -> new Made(m.recipe(), shape));
    }

    /// All rows of a tensor.
    Rows whole(String tensor) {
        long[] shape = shape(tensor);
        long columns = shape.length < 2 ? 1 : shape[shape.length - 1];
        long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Rows(tensor, 0, columns == 0 ? 0 : count / columns);
    }

    /// A linear layer or an embedding, with its bias.
    void module(String path, String tensor) {
        if (names.transposed() && path.startsWith(names.trunk() + "." + names.layers() + ".")) {
            turned(path + ".weight", tensor + ".weight");
        } else {
            same(path + ".weight", tensor + ".weight");
        }
        same(path + ".bias", tensor + ".bias");
    }

    /// A matrix that the family's files hold as `(in, out)`.
    private void turned(String name, String tensor) {
        long[] shape = shape(tensor);
        if (shape.length == 2 && shape[0] * shape[1] > 0) {
            int rows = Math.toIntExact(shape[0]);
            int columns = Math.toIntExact(shape[1]);
            computed(
                    name,
                    List.of(tensor),
                    new long[][] {shape},
                    new long[] {columns, rows},
                    all -> {
                        float[] result = new float[all[0].length];
                        for (int row = 0; row < rows; row++) {
                            for (int column = 0; column < columns; column++) {
                                result[column * rows + row] = all[0][row * columns + column];
                            }
                        }
                        return new float[][] {result};
                    });
        }
    }

    void same(String name, String tensor) {
        if (has(tensor)) {
            shaped(name, tensor, shape(tensor));
        }
    }

    /// A tensor with another shape of as many numbers.
    void shaped(String name, String tensor, long... shape) {
        if (has(tensor)) {
            used.add(tensor);
            made.put(name, new Made(new Recipe.Joined(List.of(whole(tensor))), shape));
        }
    }

    /// Rows of a linear layer, with those of its bias.
    private void split(String path, String tensor, long first, long count) {
        rows(path + ".weight", List.of(new Rows(tensor + ".weight", first, count)));
        if (has(tensor + ".bias")) {
            rows(path + ".bias", List.of(new Rows(tensor + ".bias", first, count)));
        }
    }

    /// Rows of matrices with as many columns, or of vectors.
    void rows(String name, List<Rows> parts) {
        long count = 0;
        for (Rows part : parts) {
            if (!has(part.tensor()) || part.first() + part.count() > whole(part.tensor()).count()) {
                return; // the loader names the missing weight
            }
            used.add(part.tensor());
            count += part.count();
        }
        long[] first = shape(parts.getFirst().tensor());
        long[] shape =
                first.length < 2 ? new long[] {count} : new long[] {count, first[first.length - 1]};
        made.put(name, new Made(new Recipe.Joined(List.copyOf(parts)), shape));
    }

    /// Numbers that are computed, if the file's tensors have the expected shapes.
    void computed(
            String name,
            List<String> tensors,
            long[][] shapes,
            long[] shape,
            UnaryOperator<float[][]> rule) {
        for (int i = 0; i < shapes.length; i++) {
            if (!Arrays.equals(shape(tensors.get(i)), shapes[i])) {
                return; // the loader names the missing weight
            }
        }
        used.addAll(tensors);
        made.put(name, new Made(new Recipe.Computed(tensors, rule), shape));
    }

    /// A norm of the kind that blocks have: llama.cpp's converters add to weights what is added
    /// where others compute.
    private void norm(String path, String tensor) {
        float offset =
                switch (config.block().norm()) {
                    case NormConfig.Rms rms -> (float) rms.offset();
                    case NormConfig.Layer layer -> (float) layer.offset();
                    case NormConfig.Bare _ -> 0;
                };
        if (offset == 0) {
            plainNorm(path, tensor);
            return;
        }
        long[] shape = shape(tensor + ".weight");
        if (has(tensor + ".weight")) {
            computed(
                    path + ".weight",
                    List.of(tensor + ".weight"),
                    new long[][] {shape},
                    shape,
                    all -> {
                        for (int i = 0; i < all[0].length; i++) {
                            all[0][i] -= offset;
                        }
                        return all;
                    });
        }
        same(path + ".bias", tensor + ".bias");
    }

    void plainNorm(String path, String tensor) {
        same(path + ".weight", tensor); // as Falcon-H1's files call some
        same(path + ".weight", tensor + ".weight");
        same(path + ".bias", tensor + ".bias");
    }
}
