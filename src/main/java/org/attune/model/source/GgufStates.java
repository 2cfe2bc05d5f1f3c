package org.attune.model.source;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.StateConfig;
import org.attune.model.config.TensorNames;
import org.attune.model.source.GgufWeights.Rows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Finds of which tensors of a GGUF file the weights of mixers with a state are made.
///
/// @param rules of the file
/// @param config  of its model
record GgufStates(GgufRules rules, DecoderConfig config) {
    private static final String STEP_BIAS = "ssm_dt.bias";

    /// @param block path of a block in the family's own files, with a dot behind it
    /// @param own   that in the file
    void put(String block, String own) {
        TensorNames.State n = config.names().state().orElseThrow();
        String path = block + n.path() + ".";
        switch (config.block().mixers().state().orElseThrow()) {
            case StateConfig.ShortConvolution c -> {
                rules.module(path + n.in().getFirst(), own + "shortconv.in_proj");
                convolution(path + n.convolution(), own + "shortconv.conv", c);
                rules.module(path + n.out(), own + "shortconv.out_proj");
            }
            case StateConfig.GatedDelta c -> {
                if (c.byKeyHead()) {
                    byKeyHead(path, own, n, c);
                } else {
                    inBlocks(path, own, n, c);
                }
            }
            case StateConfig.ChannelDelta c -> byChannel(path, own, n, c);
            case StateConfig.Mamba2 c -> {
                rules.module(path + n.in().getFirst(), own + "ssm_in");
                convolution(path + n.convolution(), own + "ssm_conv1d", c);
                rules.same(path + "dt_bias", own + STEP_BIAS);
                decays(path, own, c.heads(), c.heads(), 1);
                long[] column = {c.heads(), 1};
                rules.shaped(path + "D", own + "ssm_d", column, c.heads());
                long[] byGroup = {c.groups(), c.inner() / c.groups()};
                String norm = path + n.norm() + ".weight";
                rules.shaped(norm, own + "ssm_norm.weight", byGroup, c.inner());
                rules.module(path + n.out(), own + "ssm_out");
            }
        }
    }

    /// Kimi Linear's.
    private void byChannel(
            String path, String own, TensorNames.State n, StateConfig.ChannelDelta c) {
        List<String> in = List.of("attn_q", "attn_k", "attn_v", "ssm_beta", "ssm_f_a", "ssm_g_a");
        for (int i = 0; i < in.size(); i++) {
            rules.module(path + n.in().get(i), own + in.get(i));
        }
        rules.module(path + StateConfig.ChannelDelta.DECAYS, own + "ssm_f_b");
        rules.module(path + StateConfig.ChannelDelta.GATES, own + "ssm_g_b");
        for (String part : List.of("q", "k", "v")) {
            rules.shaped(
                    path + part + "_" + n.convolution() + ".weight",
                    own + "ssm_conv1d_" + part + ".weight",
                    new long[] {1, c.keys(), 1, c.taps()},
                    c.keys(),
                    1,
                    c.taps());
        }
        String forgets = path + StateConfig.ChannelDelta.FORGETS;
        rules.same(forgets + "dt_bias", own + STEP_BIAS);
        long[] rates = {1, 1, c.heads(), 1};
        decays(forgets, own, c.heads(), 1, rates, rates);
        rules.plainNorm(path + n.norm(), own + "ssm_norm");
        rules.module(path + n.out(), own + "attn_output");
    }

    private void convolution(String path, String tensor, StateConfig c) {
        long[] inFile = {c.channels(), c.taps()};
        rules.shaped(path + ".weight", tensor + ".weight", inFile, c.channels(), 1, c.taps());
        rules.same(path + ".bias", tensor + ".bias");
    }

    /// `log(−a)` of the file's `a`, whose heads may stand in another order.
    private void decays(String path, String own, int heads, int keys, int each) {
        String tensor = own + "ssm_a";
        boolean mamba = config.block().mixers().state().orElseThrow() instanceof StateConfig.Mamba2;
        boolean vector = rules.table().plans() ? !mamba : rules.shape(tensor).length == 1;
        long[] inFile = vector ? new long[] {heads} : new long[] {heads, 1};
        decays(path, own, keys, each, inFile, new long[] {heads});
    }

    private void decays(String path, String own, int keys, int each, long[] inFile, long[] shape) {
        int heads = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
        rules.computed(
                path + "A_log",
                List.of(own + "ssm_a"),
                new long[][] {inFile},
                shape,
                all -> {
                    float[] logs = new float[heads];
                    for (int head = 0; head < heads; head++) {
                        logs[head] = (float) Math.log(-all[0][tiled(head, keys, each)]);
                    }
                    return new float[][] {logs};
                },
                all -> {
                    float[] decays = new float[heads];
                    for (int head = 0; head < heads; head++) {
                        decays[tiled(head, keys, each)] = (float) -Math.exp(all[0][head]);
                    }
                    return new float[][] {decays};
                });
    }

    /// Where the file has a value head: those of all key heads that come first in theirs stand
    /// before those that come second, and so on.
    ///
    /// @param keys key heads
    /// @param each value heads of each
    private static int tiled(int head, int keys, int each) {
        return head % each * keys + head / each;
    }

    /// Qwen3.5's, whose value heads stand in another order in the file.
    private void inBlocks(String path, String own, TensorNames.State n, StateConfig.GatedDelta c) {
        int each = c.heads() / c.keyHeads();
        int size = c.valueDim();
        String qkv = own + "attn_qkv.weight";
        if (!rules.fits(qkv, c.channels())) {
            return; // the loader names the missing weights
        }
        rules.rows(path + n.in().get(0) + ".weight", withHeads(qkv, 2L * c.keys(), size, c));
        rules.rows(
                path + n.in().get(1) + ".weight", withHeads(own + "attn_gate.weight", 0, size, c));
        rules.rows(path + n.in().get(2) + ".weight", withHeads(own + "ssm_beta.weight", 0, 1, c));
        rules.rows(path + n.in().get(3) + ".weight", withHeads(own + "ssm_alpha.weight", 0, 1, c));
        String taps = own + "ssm_conv1d.weight";
        rules.rows(path + n.convolution() + ".weight", withHeads(taps, 2L * c.keys(), size, c));
        rules.reshape(path + n.convolution() + ".weight", c.channels(), 1, c.taps());
        rules.rows(path + "dt_bias", withHeads(own + STEP_BIAS, 0, 1, c));
        decays(path, own, c.heads(), c.keyHeads(), each);
        rules.plainNorm(path + n.norm(), own + "ssm_norm");
        int width = config.hiddenSize();
        int all = c.values();
        rules.computed(
                path + n.out() + ".weight",
                List.of(own + "ssm_out.weight"),
                new long[][] {{width, all}},
                new long[] {width, all},
                m -> new float[][] {columns(m[0], width, c, true)},
                m -> new float[][] {columns(m[0], width, c, false)});
    }

    /// Rows before the values, then those of each value head.
    private static List<Rows> withHeads(
            String tensor, long before, int size, StateConfig.GatedDelta c) {
        List<Rows> parts = new ArrayList<>();
        if (before > 0) {
            parts.add(new Rows(tensor, 0, before));
        }
        int each = c.heads() / c.keyHeads();
        for (int head = 0; head < c.heads(); head++) {
            long row = before + (long) tiled(head, c.keyHeads(), each) * size;
            parts.add(new Rows(tensor, row, size));
        }
        return parts;
    }

    /// @param read whether the file's order becomes the model's, instead of the other way
    private static float[] columns(
            float[] matrix, int rows, StateConfig.GatedDelta c, boolean read) {
        int size = c.valueDim();
        int all = c.values();
        int each = c.heads() / c.keyHeads();
        float[] result = new float[matrix.length];
        for (int row = 0; row < rows; row++) {
            for (int head = 0; head < c.heads(); head++) {
                int inFile = row * all + tiled(head, c.keyHeads(), each) * size;
                int own = row * all + head * size;
                System.arraycopy(matrix, read ? inFile : own, result, read ? own : inFile, size);
            }
        }
        return result;
    }

    /// Qwen3-Next's, whose own files have all of a key head side by side.
    private void byKeyHead(String path, String own, TensorNames.State n, StateConfig.GatedDelta c) {
        String in = path + n.in().get(0) + ".weight";
        if (rules.table().chooses(own + "ssm_in.weight")) {
            rules.same(in, own + "ssm_in.weight"); // of older converters
        } else {
            long values = (long) c.heads() / c.keyHeads() * c.valueDim();
            String qkv = own + "attn_qkv.weight";
            if (!rules.fits(qkv, c.channels())) {
                return; // the loader names the missing weights
            }
            List<Rows> parts = new ArrayList<>();
            for (long head = 0; head < c.keyHeads(); head++) {
                parts.add(new Rows(qkv, head * c.keyDim(), c.keyDim()));
                parts.add(new Rows(qkv, c.keys() + head * c.keyDim(), c.keyDim()));
                parts.add(new Rows(qkv, 2L * c.keys() + head * values, values));
                parts.add(new Rows(own + "attn_gate.weight", head * values, values));
            }
            rules.rows(in, parts);
        }
        rules.module(path + n.in().get(1), own + "ssm_ba");
        convolution(path + n.convolution(), own + "ssm_conv1d", c);
        rules.same(path + "dt_bias", own + STEP_BIAS);
        decays(path, own, c.heads(), c.heads(), 1);
        rules.plainNorm(path + n.norm(), own + "ssm_norm");
        rules.module(path + n.out(), own + "ssm_out");
    }
}
